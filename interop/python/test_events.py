"""Webhooks of a whole life of an install, verified by the official Python library, and the signature of an install link."""

import json
import unittest
import urllib.parse

import stripe

import receiver
import server
import world

MAKER_SECRET = "whsec_interop_maker"
DEPOT_SECRET = "whsec_interop_depot"
BOTH = ["/depot", "/maker"]


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = receiver.Receiver()
        cls.addClassCleanup(cls.receiver.stop)

    def event(self, delivery):
        """The event of a delivery, by the library and the secret of the endpoint; altered it is refused."""
        path, signature, content_type, body = delivery
        self.assertEqual(content_type, "application/json; charset=utf-8")
        secret = MAKER_SECRET if path == "/maker" else DEPOT_SECRET
        for altered, other in [(body + b" ", secret), (body, "whsec_other")]:
            with self.assertRaises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(altered, signature, other)
        return stripe.Webhook.construct_event(body, signature, secret)

    def of_install(self, id, kind, paths):
        """The event of a kind about an install at each of the endpoints, and no other endpoint has one."""

        def is_wanted(_, body):
            body = json.loads(body)
            return body["type"] == kind and body["data"]["object"]["id"] == id

        arrived = self.receiver.wait(is_wanted, len(paths))
        self.assertEqual(sorted(delivery[0] for delivery in arrived), paths, kind)
        return {delivery[0]: self.event(delivery) for delivery in arrived}

    def of_application(self, account, kind, since):
        def is_wanted(_, body):
            body = json.loads(body)
            return body["type"] == kind and body["account"] == account and body["created"] >= since

        (delivery,) = self.receiver.wait(is_wanted, 1)
        self.assertEqual(delivery[0], "/maker")
        return self.event(delivery)

    def test_rule_17_the_life_of_an_install(self):
        # What is told of other suites is not taken for what this one waits for.
        world.uninstall(world.DEPOT)
        since = server.advance("1s")
        created = world.install(world.DEPOT)
        self.assertIsNotNone(created.auth_code)
        told = self.of_install(created.id, "apps.install.created", BOTH)
        self.assertNotEqual(told["/maker"].id, told["/depot"].id)
        for path, account in [("/maker", world.DEPOT), ("/depot", None)]:
            event = told[path].to_dict()
            self.assertEqual(event["data"]["object"], {**created.to_dict(), "auth_code": None})
            self.assertEqual((event["object"], event.get("account"), event["livemode"]), ("event", account, False))
            self.assertRegex(event["id"], r"^evt_[A-Za-z0-9]{24}$")
        self.assertEqual(told["/maker"].request["id"], created.last_response.request_id)
        self.assertEqual(told["/depot"].request.to_dict(), {"id": None, "idempotency_key": None})
        application = {"id": world.CATALOG_CLIENT, "object": "application", "name": "Catalog"}
        authorized = self.of_application(world.DEPOT, "account.application.authorized", since)
        self.assertEqual(authorized.data.object.to_dict(), application)

        gone = world.maker(world.DEPOT).v1.apps.installs.uninstall(created.id)
        told = self.of_install(created.id, "apps.install.deleted", BOTH)
        for path in BOTH:
            self.assertEqual(told[path].data.object.to_dict(), gone.to_dict())
        deauthorized = self.of_application(world.DEPOT, "account.application.deauthorized", since)
        self.assertEqual(deauthorized.data.object.to_dict(), application)

    def test_rule_17_2_an_update_tells_what_changed(self):
        _, branch = world.branch(4)
        (pending,) = branch.v1.apps.installs.list().data
        granted = branch.v1.apps.installs.update(pending.id)
        # Nothing changes, so nothing is told.
        branch.v1.apps.installs.update(pending.id)
        told = self.of_install(granted.id, "apps.install.updated", ["/maker"])["/maker"].to_dict()
        self.assertEqual(told["data"]["object"], granted.to_dict())
        previous = told["data"]["previous_attributes"]
        self.assertEqual(previous["permissions_granted"], [])
        self.assertEqual(previous["permissions_pending"], ["event_read", "secret_write"])
        self.assertIs(previous["approval_required"], True)
        self.assertNotIn("status", previous)
        branch.v1.apps.installs.uninstall(pending.id)
        self.of_install(granted.id, "apps.install.deleted", ["/maker"])


class InstallLinks(unittest.TestCase):
    """Contract 15.12 and 15.13: the consent of the platform's own page, and what the app's backend verifies."""

    def authorize(self, **body):
        return server.admin("/v1/authorizations", body)

    def query(self, url):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query, strict_parsing=True)

    def test_rule_15_13_the_signature_of_an_install_link(self):
        for state in ["é \"&=?\\", None]:
            with self.subTest(state=state):
                asked = {"app": world.DESK, "account": world.SHOP, "user": "usr_1", "mode": "test"}
                if state:
                    asked["state"] = state
                shown = self.authorize(**asked, decision="preview")
                self.assertEqual((shown["name"], shown["redirect_uri"]), ("Desk", "https://desk.example/installed?from=link"))
                answered = self.authorize(**asked, decision="allow")
                query = {name: value for name, (value,) in self.query(answered["redirect_to"]).items()}
                signature = query.pop("install_signature")
                told = {"from": "link", "user_id": "usr_1", "account_id": world.SHOP, "livemode": "false"}
                self.assertEqual(query, {**told, "state": state} if state else told)
                signed = {"state": state} if state else {}
                signed = json.dumps(
                    {**signed, "user_id": "usr_1", "account_id": world.SHOP}, separators=(",", ":"), ensure_ascii=False
                )
                stripe.WebhookSignature.verify_header(signed, signature, world.DESK_SIGNING_SECRET, 300)
                with self.assertRaises(stripe.SignatureVerificationError):
                    stripe.WebhookSignature.verify_header(signed, signature, "absec_other", 300)
                listed = world.client(world.SHOP_KEY).v1.apps.installs.list({"app": world.DESK})
                self.assertEqual([install.id for install in listed.data], [answered["install"]["id"]])

    def test_rule_15_13_a_code_and_a_denial(self):
        verifier, challenge = world.challenge()
        asked = {"app": world.CATALOG_CLIENT, "account": world.SHOP, "user": "usr_1", "mode": "test", "state": "s"}
        pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
        denied = self.authorize(**asked, decision="deny")
        self.assertEqual(list(denied), ["redirect_to"])
        self.assertEqual(
            self.query(denied["redirect_to"]),
            {"error": ["access_denied"], "error_description": ["The user denied your request"], "state": ["s"]},
        )
        allowed = self.authorize(**asked, **pkce, decision="allow", redirect_uri=world.CATALOG_CALLBACK)
        self.assertTrue(allowed["redirect_to"].startswith(f"{world.CATALOG_CALLBACK}?"))
        query = self.query(allowed["redirect_to"])
        self.assertEqual((sorted(query), query["state"]), (["code", "state"], ["s"]))
        token = world.client(world.MAKER_KEY).oauth.token
        params = {"grant_type": "authorization_code", "code": query["code"][0], "code_verifier": verifier}
        with self.assertRaises(stripe.oauth_error.InvalidGrantError):
            token({**params, "redirect_uri": "http://localhost:3000/callback"})
        self.assertEqual(token({**params, "redirect_uri": world.CATALOG_CALLBACK}).stripe_user_id, world.SHOP)


if __name__ == "__main__":
    unittest.main(verbosity=2)
