"""The Stripe CLI's `get` and `post`, unchanged but for `--api-base`."""

import json
import os
import subprocess
import unittest
import uuid

import server

STRIPE = os.path.join(os.environ["CHOLLA_CLIENTS"], "stripe-cli", "node_modules", ".bin", "stripe")
# A folder of its own for the CLI's configuration, so that the user's is never read or written.
HOME = os.path.join(os.environ["CHOLLA_CLIENTS"], "stripe-cli", "home")

DEVELOPER_KEY = "sk_test_interop_cli"
MERCHANT = "acct_cliMerchant"
STRANGER = "acct_stranger"
OAUTH_TOKEN = "sk_test_oauth_cli"
RESTRICTED_KEY = "rk_test_write_cli"
READ_KEY = "rk_test_read_cli"
EXPIRING_KEY = "rk_test_short_cli"

SECRETS = "/v1/apps/secrets"


def run(method, path, *arguments, key=DEVELOPER_KEY, account=MERCHANT, **data):
    """Runs `stripe METHOD PATH` with a configuration folder of its own."""
    command = [STRIPE, method, path, "--api-base", server.URL, "--api-key", key, *arguments]
    if account:
        command += ["--stripe-account", account]
    for name, value in data.items():
        command += ["-d", f"{name}={value}"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": HOME,
        "XDG_CONFIG_HOME": HOME,
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
        "DO_NOT_TRACK": "1",
    }
    os.makedirs(HOME, exist_ok=True)
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def stripe(*arguments, **options):
    """Answers the JSON of the server, which the CLI prints with status 0, errors other than 401 included."""
    done = run(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def new_user():
    return {"scope[type]": "user", "scope[user]": f"usr_{uuid.uuid4().hex}"}


ACCOUNT = {"scope[type]": "account"}


class StripeCli(unittest.TestCase):
    def refused(self, answer, code=None, param=None, kind="invalid_request_error"):
        error = answer["error"]
        self.assertEqual((error["type"], error.get("code"), error.get("param")), (kind, code, param))
        return error["message"]

    def fill(self, scope, count):
        names = [f"name_{index}" for index in range(count)]
        for name in names:
            stripe("post", SECRETS, name=name, payload=f"payload of {name}", **scope)
        return names[::-1]

    def test_rule_4_6_the_four_operations(self):
        for scope in [ACCOUNT, new_user()]:
            with self.subTest(scope=scope):
                name = f"name_{uuid.uuid4().hex}"
                created = stripe("post", SECRETS, name=name, payload="v1", **scope)
                self.assertEqual(list(created), ["id", "object", "created", "expires_at", "livemode", "name", "scope"])
                found = stripe("get", f"{SECRETS}/find", "-e", "payload", name=name, **scope)
                self.assertEqual((found["id"], found["payload"]), (created["id"], "v1"))
                self.assertIn(created["id"], [secret["id"] for secret in stripe("get", SECRETS, **scope)["data"]])
                deleted = stripe("post", f"{SECRETS}/delete", name=name, **scope)
                self.assertEqual((deleted["id"], deleted["deleted"]), (created["id"], True))
                again = stripe("post", f"{SECRETS}/delete", name=name, **scope)
                self.assertEqual(self.refused(again, "resource_missing", "name"), f"No such secret: '{name}'")

    def test_rule_4_1_replace(self):
        scope = new_user()
        first = stripe("post", SECRETS, name="x", payload="v1", expires_at=server.now() + 1_000_000, **scope)
        second = stripe("post", SECRETS, "-e", "payload", name="x", payload="v2", **scope)
        self.assertEqual((second["id"], second["payload"], second["expires_at"]), (first["id"], "v2", None))

    def test_rule_4_7_pages(self):
        scope = new_user()
        names, seen, cursor = self.fill(scope, 10), [], []
        while True:
            page = stripe("get", SECRETS, "--limit", "3", *cursor, **scope)
            seen += page["data"]
            if not page["has_more"]:
                break
            cursor = ["--starting-after", seen[-1]["id"]]
        self.assertEqual([secret["name"] for secret in seen], names)
        back = stripe("get", SECRETS, "--limit", "3", "--ending-before", seen[-1]["id"], **scope)
        self.assertEqual([secret["name"] for secret in back["data"]], names[6:9])
        self.assertEqual(back["has_more"], True)

    def test_rule_4_8_expansion(self):
        scope = new_user()
        names = self.fill(scope, 2)
        page = stripe("get", SECRETS, "-e", "data.payload", **scope)
        self.assertEqual([secret["payload"] for secret in page["data"]], [f"payload of {name}" for name in names])
        self.refused(stripe("get", SECRETS, "-e", "foo", **scope))

    def test_rule_6_errors(self):
        find, scope = f"{SECRETS}/find", new_user()
        unknown = run("get", find, "--live", key="sk_live_unknownUnknown1234", name="x", **scope)
        self.assertNotEqual(unknown.returncode, 0)
        _, _, body = unknown.stderr.partition("status=401, body=")
        self.assertEqual(self.refused(json.loads(body)), "Invalid API Key provided: sk_live_****1234")
        self.refused(stripe("get", find, account=STRANGER, name="x", **scope), "account_invalid")
        refused = stripe("post", SECRETS, key=READ_KEY, account=None, name="x", payload="v", **scope)
        self.refused(refused, "more_permissions_required")
        self.refused(stripe("post", SECRETS, name="x", **scope), "parameter_missing", "payload")
        self.refused(stripe("post", SECRETS, name="x", payload="v", foo="bar", **scope), "parameter_unknown", "foo")

    def test_rule_7_4_idempotency(self):
        scope, key = new_user(), ["--idempotency", uuid.uuid4().hex]
        first = stripe("post", SECRETS, *key, name="x", payload="v1", **scope)
        self.assertEqual(stripe("post", SECRETS, *key, name="x", payload="v1", **scope), first)
        other = stripe("post", SECRETS, *key, name="x", payload="v2", **scope)
        self.refused(other, kind="idempotency_error")

    def test_rule_5_2_to_5_4_accounts_and_tokens(self):
        scope = new_user()
        created = stripe("post", SECRETS, name="x", payload="v", **scope)
        find = f"{SECRETS}/find"
        by_context = stripe("get", find, "--stripe-context", MERCHANT, account=None, name="x", **scope)
        self.assertEqual(by_context["id"], created["id"])
        self.refused(stripe("get", find, account=None, name="x", **scope), "resource_missing", "name")
        for key in [OAUTH_TOKEN, RESTRICTED_KEY]:
            self.assertEqual(stripe("get", find, key=key, account=None, name="x", **scope)["id"], created["id"])

    def test_rule_3_5_and_3_7_any_unicode(self):
        scope = new_user()
        for name, payload in [("ключ 🔑 & key=1+1%20", "päylöad\t\"\\/<>& ="), ("null", "null"), ("longest", "🔐" * 5000)]:
            stripe("post", SECRETS, name=name, payload=payload, **scope)
            found = stripe("get", f"{SECRETS}/find", "-e", "payload", name=name, **scope)
            self.assertEqual((found["name"], found["payload"]), (name, payload))

    def test_rule_4_4_expiry(self):
        scope = new_user()
        stripe("post", SECRETS, name="x", payload="v", expires_at=server.now() + 3600, **scope)
        server.advance("2h")
        self.refused(stripe("get", f"{SECRETS}/find", name="x", **scope), "resource_missing", "name")
        expired = run("get", f"{SECRETS}/find", key=EXPIRING_KEY, account=None, name="x", **ACCOUNT)
        # The CLI knows the code `api_key_expired` and says so in its own words.
        self.assertNotEqual(expired.returncode, 0)
        self.assertIn("The API key for the default profile has expired.", expired.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
