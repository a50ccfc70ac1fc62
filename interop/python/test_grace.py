"""The end of an uninstalled app's secrets (contract 14.5 and 14.6). It moves the clock by months, so it comes last."""

import unittest

import stripe

import server
import world


class Grace(unittest.TestCase):
    def test_rule_14_5_and_14_6_found_again_within_a_month_and_gone_after(self):
        installs, secrets = world.maker().v1.apps.installs, world.maker().v1.apps.secrets
        for away, is_kept in [("29d", True), ("31d", False)]:
            with self.subTest(away=away):
                before, name = world.install(), world.new_name()
                query = {"name": name, "scope": world.ACCOUNT, "expand": ["payload"]}
                stored = secrets.create({"name": name, "payload": f"payload of {name}", "scope": world.ACCOUNT})
                installs.uninstall(before.id)
                server.advance(away)
                with self.assertRaises(stripe.PermissionError):
                    secrets.find(query)
                self.assertNotEqual(world.install().id, before.id)
                if is_kept:
                    found = secrets.find(query)
                    self.assertEqual((found.id, found.payload), (stored.id, f"payload of {name}"))
                    continue
                with self.assertRaises(stripe.InvalidRequestError) as caught:
                    secrets.find(query)
                self.assertEqual(caught.exception.code, "resource_missing")
                self.assertEqual(secrets.list({"scope": world.ACCOUNT}).data, [])
                self.assertNotEqual(secrets.create({"name": name, "payload": "payload of new", "scope": world.ACCOUNT}).id, stored.id)


if __name__ == "__main__":
    unittest.main(verbosity=2)
