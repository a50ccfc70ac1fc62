"""curl on the Install API, OAuth and install links. Everything here moves the clock by minutes only."""

import base64
import hashlib
import hmac
import html
import json
import re
import secrets
import unittest
import urllib.parse

import server
from test_curl import SECRETS, curl

MAKER_KEY = "sk_test_interop_maker"
SHOP = "acct_shop"
SHOP_KEY = "sk_test_interop_shop"
STUDIO_KEY = "sk_test_interop_studio"
STRANGER = "acct_stranger"

CATALOG = "com.example.catalog"
CATALOG_ID = "app_catalogCatalogCatalogCatalog0001"
CATALOG_CLIENT = "ca_catalogCatalogCatalogCatalog0001"
CATALOG_CALLBACK = "https://catalog.example/callback"
DESK = "com.example.desk"
DESK_SIGNING_SECRET = b"absec_interop_desk"

INSTALLS = "/v1/apps/installs"
TOKEN = "/v1/oauth/token"
DEAUTHORIZE = "/v1/oauth/deauthorize"
TOKEN_KEYS = ["access_token", "livemode", "refresh_token", "scope", "stripe_publishable_key", "stripe_user_id", "token_type"]


def create(*data):
    """The maker's app on the shop: put there, or found there."""
    return curl(INSTALLS, key=MAKER_KEY, account=SHOP, data=[f"app={CATALOG}", *data])


def token(*data, path=TOKEN, key=MAKER_KEY):
    return curl(path, key=key, account=None, data=data)


def challenge():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def query(url):
    return {name: value for name, (value,) in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query, strict_parsing=True).items()}


class Platform(unittest.TestCase):
    def accepted(self, answer):
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.headers["content-type"], "application/json")
        return answer.body

    def refused(self, answer, status, code=None, param=None):
        self.assertEqual(answer.status, status, answer.text)
        error = answer.body["error"]
        self.assertEqual((error["type"], error.get("code"), error.get("param")), ("invalid_request_error", code, param))
        return error["message"]

    def denied(self, answer, word, status=400):
        self.assertEqual((answer.status, answer.body["error"]), (status, word), answer.text)
        self.assertEqual(list(answer.body), ["error", "error_description"])
        return answer.body["error_description"]

    def code(self, *data):
        return self.accepted(create(*data))["auth_code"]

    def works(self, pair):
        self.accepted(curl(SECRETS, "-G", key=pair["access_token"], account=None, data=["scope[type]=account"]))

    def test_rule_10_1_to_10_5_an_install(self):
        created = self.accepted(create())
        listed = self.accepted(curl(INSTALLS, "-G", key=SHOP_KEY, account=None, data=[f"app={CATALOG_ID}", "limit=1"]))
        self.assertEqual([install["id"] for install in listed["data"]], [created["id"]])
        self.assertEqual(list(listed), ["object", "url", "has_more", "data"])
        one = f"{INSTALLS}/{created['id']}"
        shown = {**created, "auth_code": None}
        self.assertEqual(self.accepted(curl(one, key=SHOP_KEY, account=None)), shown)
        # Without a body and without a content type, as `-X POST` sends it.
        self.assertEqual(self.accepted(curl(one, "-X", "POST", key=SHOP_KEY, account=None)), shown)
        self.assertEqual(self.accepted(curl(f"{one}/uninstall", "-X", "POST", key=MAKER_KEY, account=SHOP)), {**shown, "status": "uninstalling"})
        message = self.refused(curl(one, key=SHOP_KEY, account=None), 404, "resource_missing", "id")
        self.assertEqual(message, f"No such install: '{created['id']}'")
        self.assertNotEqual(self.accepted(create())["id"], created["id"])

    def test_rule_15_3_the_key_in_the_header_or_in_the_body(self):
        for path in [TOKEN, "/oauth/token"]:
            for key, extra in [
                (MAKER_KEY, []), (None, [f"client_secret={MAKER_KEY}"]), (MAKER_KEY, [f"client_secret={MAKER_KEY}"]),
            ]:
                with self.subTest(path=path, header=bool(key), body=bool(extra)):
                    pair = self.accepted(token("grant_type=authorization_code", f"code={self.code()}", *extra, path=path, key=key))
                    self.assertEqual(list(pair), TOKEN_KEYS)
                    self.works(pair)
                    refresh = ["grant_type=refresh_token", f"refresh_token={pair['refresh_token']}"]
                    self.works(self.accepted(token(*refresh, *extra, path=path, key=key)))
        wrong = token("grant_type=authorization_code", "code=ac_x", f"client_secret={STUDIO_KEY}")
        self.denied(wrong, "invalid_client", 401)
        self.refused(token("grant_type=authorization_code", "code=ac_x", key=None), 401)
        self.refused(token("grant_type=authorization_code", "client_secret=sk_live_unknown", key=None), 401)

    def test_rule_15_10_pkce(self):
        verifier, digest = challenge()
        exchange = ["grant_type=authorization_code", f"code={self.code(f'code_challenge={digest}', 'code_challenge_method=S256')}"]
        self.denied(token(*exchange), "invalid_request")
        self.denied(token(*exchange, f"code_verifier={challenge()[0]}"), "invalid_grant")
        self.works(self.accepted(token(*exchange, f"code_verifier={verifier}")))

    def test_rule_15_8_and_15_9_reuse_and_a_lost_answer(self):
        exchange = ["grant_type=authorization_code", f"code={self.code()}"]
        again = ["-H", f"Idempotency-Key: {secrets.token_hex(16)}"]
        first, second = (curl(TOKEN, *again, key=MAKER_KEY, account=None, data=exchange) for _ in range(2))
        self.assertNotEqual(self.accepted(first)["access_token"], self.accepted(second)["access_token"])
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(second.headers["idempotent-replayed"], "true")
        self.works(second.body)
        # 6.2: a token that was withdrawn is not told from one that never was.
        withdrawn = curl(SECRETS, "-G", key=first.body["access_token"], account=None, data=["scope[type]=account"])
        self.refused(withdrawn, 401)
        said = self.denied(token(*exchange), "invalid_grant")
        self.assertIn("All tokens issued with this code have been revoked", said)
        self.refused(curl(SECRETS, "-G", key=second.body["access_token"], account=None, data=["scope[type]=account"]), 401)

    def test_rule_15_14_and_15_15_errors(self):
        for data, word in [
            (["code=ac_x"], "invalid_request"),
            (["grant_type=authorization_code"], "invalid_request"),
            (["grant_type=authorization_code", "code=ac_x", "code=ac_x"], "invalid_request"),
            (["grant_type=password"], "unsupported_grant_type"),
            (["grant_type=authorization_code", "code=ac_canary"], "invalid_grant"),
            (["grant_type=refresh_token", "refresh_token=rt_canary"], "invalid_grant"),
            (["grant_type=refresh_token", "refresh_token=rt_canary", "scope=read_write"], "invalid_scope"),
            (["grant_type=authorization_code", "code=ac_canary", "client_id=ca_x"], "invalid_client"),
        ]:
            with self.subTest(data=data):
                answer = token(*data)
                self.denied(answer, word, 401 if word == "invalid_client" else 400)
                self.assertNotIn("canary", answer.text)
                self.assertRegex(answer.headers["request-id"], r"^req_[A-Za-z0-9]{14}$")

    def test_rule_15_16_deauthorization(self):
        for path in [DEAUTHORIZE, "/oauth/deauthorize"]:
            with self.subTest(path=path):
                created = self.accepted(create())
                self.denied(token(f"client_id={CATALOG_CLIENT}", path=path), "invalid_request")
                stranger = token(f"client_id={CATALOG_CLIENT}", f"stripe_user_id={STRANGER}", path=path)
                said = self.denied(stranger, "invalid_client", 401)
                self.assertEqual(
                    said,
                    f"This application is not connected to stripe account {STRANGER}, or that account does not exist.",
                )
                done = token(f"client_id={CATALOG_CLIENT}", f"stripe_user_id={SHOP}", path=path)
                self.assertEqual(self.accepted(done), {"stripe_user_id": SHOP})
                gone = curl(f"{INSTALLS}/{created['id']}", key=SHOP_KEY, account=None)
                self.refused(gone, 404, "resource_missing", "id")

    def test_rule_15_11_links(self):
        callback, state = f"redirect_uri={urllib.parse.quote(CATALOG_CALLBACK)}", "state=a%26b"
        _, digest = challenge()
        for path, status in [
            (f"/oauth/v2/authorize?client_id={CATALOG_CLIENT}&{callback}&{state}", 200),
            (f"/oauth/authorize?client_id={CATALOG_CLIENT}&response_type=code&scope=stripe_apps", 200),
            (f"/apps/install/link/{CATALOG}?{callback}&{state}&livemode=false", 200),
            (f"/apps/install/link/{CATALOG}?code_challenge={digest}&code_challenge_method=S256", 200),
            ("/oauth/v2/authorize", 400),
            ("/oauth/v2/authorize?client_id=ca_x", 400),
            (f"/oauth/v2/authorize?client_id={CATALOG_CLIENT}&redirect_uri=https%3A%2F%2Fother.example", 400),
            (f"/oauth/v2/authorize?client_id={CATALOG_CLIENT}&{callback}%2F", 400),
            ("/apps/install/link/com.example.none", 400),
            (f"/apps/install/link/{CATALOG}?code_challenge=short&code_challenge_method=S256", 400),
        ]:
            with self.subTest(path=path):
                answer = curl(path, key=None, account=None)
                self.assertEqual(answer.status, status, answer.text)
                self.assertNotIn("location", answer.headers)
                if status == 400:
                    self.assertIn(answer.body["error"], ["invalid_request", "invalid_redirect_uri"])
                else:
                    self.assertIn("Catalog", answer.text)

    def consent(self, link, **chosen):
        """Answers the page of a link as a browser does; tells where that leads."""
        page = curl(link, key=None, account=None)
        self.assertEqual(page.status, 200, page.text)
        (action,) = re.findall(r'<form method="post" action="([^"]*)"', page.text)
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        fields = {**{name: html.unescape(value) for name, value in hidden}, **chosen}
        answer = curl(action, key=None, account=None, data=list(fields.items()))
        self.assertEqual(answer.status, 302, answer.text)
        return answer.headers["location"]

    def test_rule_15_13_consent_with_a_code(self):
        verifier, digest = challenge()
        link = f"/apps/install/link/{CATALOG}?livemode=false&state=%C3%A9%26%3C%22&code_challenge={digest}&code_challenge_method=S256"
        chosen = {"account": SHOP, "user": "usr_1"}
        denied = self.consent(link, decision="deny", **chosen)
        self.assertEqual(
            query(denied), {"error": "access_denied", "error_description": "The user denied your request", "state": "é&<\""}
        )
        allowed = self.consent(link, decision="allow", **chosen)
        self.assertTrue(allowed.startswith(f"{CATALOG_CALLBACK}?"), allowed)
        found = query(allowed)
        self.assertEqual((list(found), found["state"]), (["code", "state"], "é&<\""))
        exchange = ["grant_type=authorization_code", f"code={found['code']}", f"code_verifier={verifier}"]
        self.assertEqual(self.accepted(token(*exchange))["stripe_user_id"], SHOP)

    def test_rule_15_13_consent_with_a_signature(self):
        for asked, told in [
            ({"state": "é \"&=?\\", "livemode": "false"}, {"livemode": "false"}),
            ({"livemode": "false"}, {"livemode": "false"}),
            ({"state": "live"}, {}),
        ]:
            with self.subTest(asked=asked):
                link = f"/apps/install/link/{DESK}?{urllib.parse.urlencode(asked)}"
                found = query(self.consent(link, decision="allow", account=SHOP, user="usr_1"))
                timestamp, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", found.pop("install_signature")).groups()
                state = {"state": asked["state"]} if "state" in asked else {}
                signed = {**state, "user_id": "usr_1", "account_id": SHOP}
                # The redirect URI has a parameter of its own.
                self.assertEqual(found, {"from": "link", **signed, **told})
                text = f"{timestamp}.{json.dumps(signed, separators=(',', ':'), ensure_ascii=False)}"
                self.assertEqual(hmac.new(DESK_SIGNING_SECRET, text.encode(), hashlib.sha256).hexdigest(), signature)
                self.assertLessEqual(abs(server.now() - int(timestamp)), 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
