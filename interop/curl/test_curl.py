"""curl with the options of the API reference's samples, unchanged but for the host."""

import json
import os
import re
import subprocess
import unittest
import uuid

import server

DEVELOPER_KEY = "sk_test_interop_curl"
MERCHANT = "acct_curlMerchant"
STRANGER = "acct_stranger"
OAUTH_TOKEN = "sk_test_oauth_curl"
RESTRICTED_KEY = "rk_test_write_curl"
READ_KEY = "rk_test_read_curl"
EXPIRING_KEY = "ek_test_short_curl"
SESSION_KEY = "ek_test_session_curl"

SECRETS = "/v1/apps/secrets"
INVALID = "invalid_request_error"


class Answer:
    """What curl received: status, headers in lower case, body."""

    def __init__(self, printed):
        # An interim answer, such as of `Expect: 100-continue`, comes before the real one.
        while True:
            head, _, printed = printed.partition("\r\n\r\n")
            status, *lines = head.split("\r\n")
            self.protocol, self.status = status.split()[0], int(status.split()[1])
            if self.status != 100:
                break
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.text = printed
        self.body = json.loads(printed) if self.headers.get("content-type") == "application/json" else None


def curl(path, *arguments, key=DEVELOPER_KEY, account=MERCHANT, url=server.URL, data=()):
    """Runs curl with `-u KEY:` and the account's header. `data` items are sent by `-d`, or encoded where they are pairs."""
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", "60", f"{url}{path}", *arguments]
    if key:
        command += ["-u", f"{key}:"]
    if account:
        command += ["-H", f"Stripe-Account: {account}"]
    for item in data:
        if isinstance(item, tuple):
            command += ["--data-urlencode", "=".join(item)]
        else:
            command += ["-d", item]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return Answer(done.stdout.decode())


def new_user():
    return ["scope[type]=user", f"scope[user]=usr_{uuid.uuid4().hex}"]


ACCOUNT = ["scope[type]=account"]


class Curl(unittest.TestCase):
    def accepted(self, answer):
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.headers["content-type"], "application/json")
        return answer.body

    def refused(self, answer, status, code=None, param=None, kind=INVALID):
        error = answer.body["error"]
        seen = (answer.status, error["type"], error.get("code"), error.get("param"))
        self.assertEqual(seen, (status, kind, code, param))
        self.assertEqual(list(error), sorted(error))
        self.assertEqual("doc_url" in error, code is not None)
        self.assertTrue(answer.text.startswith('{\n  "error": {\n    "') and answer.text.endswith("}\n"), answer.text)
        return error["message"]

    def fill(self, scope, count):
        names = [f"name_{index}" for index in range(count)]
        for name in names:
            self.accepted(curl(SECRETS, data=[*scope, f"name={name}", ("payload", f"payload of {name}")]))
        return names[::-1]

    def test_rule_4_6_the_four_operations(self):
        for scope in [ACCOUNT, new_user()]:
            with self.subTest(scope=scope):
                name = f"name={uuid.uuid4().hex}"
                answer = curl(SECRETS, data=[*scope, name, "payload=v1", "expand[]=payload"])
                created = self.accepted(answer)
                keys = ["id", "object", "created", "expires_at", "livemode", "name", "payload", "scope"]
                self.assertEqual(list(created), keys)
                self.assertRegex(answer.headers["request-id"], r"^req_[A-Za-z0-9]{14}$")
                self.assertEqual(answer.headers["cache-control"], "no-cache, no-store")
                self.assertEqual(answer.headers["stripe-account"], MERCHANT)
                found = self.accepted(curl(f"{SECRETS}/find", "-G", data=[*scope, name, "expand[0]=payload"]))
                self.assertEqual(found, created)
                listed = self.accepted(curl(SECRETS, "-G", data=scope))
                self.assertEqual(list(listed), ["object", "url", "has_more", "data"])
                self.assertIn(created["id"], [secret["id"] for secret in listed["data"]])
                deleted = self.accepted(curl(f"{SECRETS}/delete", data=[*scope, name]))
                self.assertEqual((deleted["id"], deleted["deleted"]), (created["id"], True))
                self.refused(curl(f"{SECRETS}/delete", data=[*scope, name]), 404, "resource_missing", "name")

    def test_rule_4_1_and_4_2_replace_and_the_limit(self):
        scope = new_user()
        expiry = f"expires_at={server.now() + 1_000_000}"
        self.fill(scope, 9)
        first = self.accepted(curl(SECRETS, data=[*scope, "name=x", "payload=v1", expiry]))
        second = self.accepted(curl(SECRETS, data=[*scope, "name=x", "payload=v2"]))
        self.assertEqual((second["id"], second["created"], second["expires_at"]), (first["id"], first["created"], None))
        self.refused(curl(SECRETS, data=[*scope, "name=y", "payload=v"]), 400, None, "name")

    def test_rule_4_7_pages(self):
        scope = new_user()
        names, seen, cursor = self.fill(scope, 10), [], []
        while True:
            page = self.accepted(curl(SECRETS, "-G", data=[*scope, "limit=3", *cursor]))
            seen += page["data"]
            if not page["has_more"]:
                break
            cursor = [f"starting_after={seen[-1]['id']}"]
        self.assertEqual([secret["name"] for secret in seen], names)
        back = self.accepted(curl(SECRETS, "-G", data=[*scope, "limit=3", f"ending_before={seen[-1]['id']}"]))
        self.assertEqual(([secret["name"] for secret in back["data"]], back["has_more"]), (names[6:9], True))
        everything = self.accepted(curl(SECRETS, "-G", data=[*scope, "limit=1000", "expand[]=data.payload"]))
        self.assertEqual([secret["payload"] for secret in everything["data"]], [f"payload of {name}" for name in names])
        unknown = curl(SECRETS, "-G", data=[*scope, "starting_after=appsecret_x"])
        self.refused(unknown, 400, "resource_missing", "starting_after")

    def test_rule_6_errors(self):
        find, scope = f"{SECRETS}/find", [*new_user(), "name=x"]
        self.refused(curl(find, "-G", key=None, data=scope), 401)
        message = self.refused(curl(find, "-G", key="sk_live_unknownUnknown1234", data=scope), 401)
        self.assertEqual(message, "Invalid API Key provided: sk_live_****1234")
        self.refused(curl(find, "-G", key="pk_test_anything", account=None, data=scope), 401, "secret_key_required")
        self.refused(curl(find, "-G", account=STRANGER, data=scope), 403, "account_invalid")
        read_only = curl(SECRETS, key=READ_KEY, account=None, data=[*scope, "payload=v"])
        self.refused(read_only, 403, "more_permissions_required")
        message = self.refused(curl("/v1/charges", "-G"), 404)
        self.assertTrue(message.startswith("Unrecognized request URL (GET: /v1/charges)."), message)
        self.refused(curl(SECRETS, "-X", "DELETE"), 404)
        for data, code, param in [
            ([], "parameter_missing", "payload"),
            (["payload="], "parameter_invalid_empty", "payload"),
            (["payload=v", "foo=bar"], "parameter_unknown", "foo"),
            (["payload=v", "expires_at=1"], None, "expires_at"),
            (["payload=v", "expires_at=soon"], "parameter_invalid_integer", "expires_at"),
            (["payload=v", "expand[]=foo.bar"], None, None),
        ]:
            with self.subTest(data=data):
                self.refused(curl(SECRETS, data=[*scope, *data]), 400, code, param)

    def test_rule_3_3_only_forms(self):
        body = '{"name": "x", "payload": "canary", "scope": {"type": "account"}}'
        for arguments in [["-H", "Content-Type: application/json", "-d", body], ["-d", body], ["-F", "name=x"]]:
            with self.subTest(arguments=arguments):
                answer = curl(SECRETS, *arguments)
                message = self.refused(answer, 400)
                expected = "check that your POST content type is application/x-www-form-urlencoded"
                self.assertIn(expected, message)
                self.assertNotIn("canary", answer.text)

    def test_rule_7_1_authentication_and_3_8_repetition(self):
        scope = new_user()
        created = self.accepted(curl(SECRETS, data=["name=y", "name=x", "payload=v", *scope]))
        self.assertEqual(created["name"], "x")
        bearer = curl(f"{SECRETS}/find", "-G", "-H", f"Authorization: Bearer {DEVELOPER_KEY}", key=None, data=["name=x", *scope])
        self.assertEqual(self.accepted(bearer)["id"], created["id"])
        raw = curl(f"{SECRETS}/find", "-G", "-H", f"Authorization: Basic {DEVELOPER_KEY}", key=None, data=["name=x", *scope])
        self.assertEqual(self.accepted(raw)["id"], created["id"])

    def test_rule_7_3_preflight(self):
        answer = curl(
            SECRETS, "-X", "OPTIONS", "-H", "Origin: null", "-H", "Access-Control-Request-Method: POST",
            "-H", "Access-Control-Request-Headers: authorization, idempotency-key, stripe-version", key=None, account=None,
        )
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        self.assertEqual(answer.headers["access-control-allow-methods"], "GET, HEAD, POST, OPTIONS")
        asked = re.split(r",\s*", answer.headers["access-control-allow-headers"].lower())
        self.assertEqual(asked, ["authorization", "idempotency-key", "stripe-version"])

    def test_rule_7_4_idempotency(self):
        scope, key = new_user(), ["-H", f"Idempotency-Key: {uuid.uuid4()}"]
        first = curl(SECRETS, *key, data=[*scope, "name=x", "payload=v1", "expand[]=payload"])
        replayed = curl(SECRETS, *key, data=[*scope, "name=x", "payload=v1", "expand[]=payload"])
        self.assertEqual(replayed.text, first.text)
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(replayed.headers["idempotent-replayed"], "true")
        self.assertEqual(replayed.headers["original-request"], first.headers["request-id"])
        self.assertNotEqual(replayed.headers["request-id"], first.headers["request-id"])
        self.assertEqual(replayed.headers["stripe-should-retry"], "false")
        other = curl(SECRETS, *key, data=[*scope, "name=x", "payload=v2", "expand[]=payload"])
        self.refused(other, 400, kind="idempotency_error")

    def test_rule_5_accounts_tokens_and_sessions(self):
        scope = new_user()
        find = [f"{SECRETS}/find", "-G"]
        created = self.accepted(curl(SECRETS, data=[*scope, "name=x", "payload=v"]))
        by_context = curl(*find, "-H", f"Stripe-Context: {MERCHANT}", account=None, data=[*scope, "name=x"])
        self.assertEqual(self.accepted(by_context)["id"], created["id"])
        disagreeing = curl(*find, "-H", f"Stripe-Context: {STRANGER}", data=[*scope, "name=x"])
        self.refused(disagreeing, 400)
        self.refused(curl(*find, account=None, data=[*scope, "name=x"]), 404, "resource_missing", "name")
        for key in [OAUTH_TOKEN, RESTRICTED_KEY]:
            self.assertEqual(self.accepted(curl(*find, key=key, account=None, data=[*scope, "name=x"]))["id"], created["id"])
            self.refused(curl(*find, key=key, account=STRANGER, data=[*scope, "name=x"]), 403, "account_invalid")
        session = {"key": SESSION_KEY, "account": None}
        own = ["scope[type]=user", "scope[user]=usr_1", "name=x"]
        self.accepted(curl(SECRETS, **session, data=[*own, "payload=v"]))
        self.accepted(curl(f"{SECRETS}/delete", **session, data=own))
        self.refused(curl(*find, **session, data=[*scope, "name=x"]), 404, "resource_missing", "name")
        self.refused(curl(SECRETS, **session, data=[*scope, "name=x", "payload=v"]), 403)

    def test_rule_3_5_and_3_7_any_unicode(self):
        scope = new_user()
        for name, payload in [
            ("ключ 🔑 & key=1+1%20", "päylöad\r\n\t\"\\/<>& ="),
            ("null", "null"),
            ("longest", "🔐" * 5000),
            ("n" * 5000, "v"),
        ]:
            with self.subTest(name=name[:20]):
                self.accepted(curl(SECRETS, data=[*scope, ("name", name), ("payload", payload)]))
                found = self.accepted(curl(f"{SECRETS}/find", "-G", data=[*scope, ("name", name), "expand[]=payload"]))
                self.assertEqual((found["name"], found["payload"]), (name, payload))
        longer = curl(SECRETS, data=[*scope, "name=longer", ("payload", "🔐" * 5001)])
        self.assertNotIn("🔐", self.refused(longer, 400, None, "payload"))

    def test_rule_7_6_http_2_and_expect(self):
        for url, arguments, protocol in [
            (server.URL, ["--http1.1", "-H", "Expect: 100-continue"], "HTTP/1.1"),
            (server.URL, ["--http2-prior-knowledge"], "HTTP/2"),
            (server.HTTPS_URL, ["--cacert", server.CA_FILE, "--http1.1"], "HTTP/1.1"),
            (server.HTTPS_URL, ["--cacert", server.CA_FILE, "--http2"], "HTTP/2"),
        ]:
            with self.subTest(url=url, arguments=arguments):
                scope = new_user()
                created = curl(SECRETS, *arguments, url=url, data=[*scope, "name=x", ("payload", "🔐" * 5000)])
                self.assertEqual(created.protocol, protocol)
                find = [*scope, "name=x", "expand[]=payload"]
                found = self.accepted(curl(f"{SECRETS}/find", "-G", *arguments, url=url, data=find))
                self.assertEqual((found["id"], found["payload"]), (self.accepted(created)["id"], "🔐" * 5000))
                early = curl(SECRETS, *arguments, url=url, key="sk_live_unknown", data=[("payload", "🔐" * 5000)])
                self.refused(early, 401)

    def test_rule_4_4_expiry(self):
        scope = new_user()
        self.accepted(curl(SECRETS, data=[*scope, "name=x", "payload=v", f"expires_at={server.now() + 3600}"]))
        server.advance("2h")
        self.refused(curl(f"{SECRETS}/find", "-G", data=[*scope, "name=x"]), 404, "resource_missing", "name")
        expired = curl(f"{SECRETS}/find", "-G", key=EXPIRING_KEY, account=None, data=[*ACCOUNT, "name=x"])
        self.refused(expired, 401, "api_key_expired")


if __name__ == "__main__":
    unittest.main(verbosity=2)
