"""The picture of Stripe's guide to the Secret Store, cell by cell: the Cactus Practice, its two users and its two apps. The world is made by
the command line alone."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import stripe

import server
import world

CACTUS = "acct_cactus"
APPS = {"A": ("acct_devA", "com.example.app-a"), "B": ("acct_devB", "com.example.app-b")}
USERS = {"user 1": "usr_1", "user 2": "usr_2"}
SCOPES = {
    "account": {"type": "account"},
    **{name: {"type": "user", "user": user} for name, user in USERS.items()},
}
# Which app's secret each of them finds under a name in a scope; "-" is none.
CELLS = """
name                 scope    | backend A | A, user 1 | A, user 2 | backend B | B, user 1 | B, user 2
Foo API key          account  | A         | A         | A         | -         | -         | -
Bar API key          account  | -         | -         | -         | B         | B         | B
OAuth access token   user 1   | A         | A         | -         | B         | B         | -
OAuth refresh token  user 1   | A         | A         | -         | B         | B         | -
OAuth access token   user 2   | A         | -         | A         | B         | -         | B
OAuth refresh token  user 2   | A         | -         | A         | B         | -         | B
"""


def rows():
    """(name, scope, who, expected) of every cell."""
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in CELLS.strip().splitlines()]
    for (secret, *cells) in lines:
        name, scope = [part.strip() for part in secret.split("  ") if part.strip()]
        yield from ((name, scope, who, expected) for who, expected in zip(head[1:], cells))


def payload(app, name, scope):
    return f"payload of {app}: {name}, {scope}"


def cli(*arguments):
    """What a command of the command line prints."""
    command = [os.environ["CHOLLA_BINARY"], *arguments, "--admin-base", server.ADMIN_URL, "--json"]
    return json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)


def make_world():
    """The keys of all who ask: the backend of an app, or the UI extension of an app before one user."""
    keys = {}
    cli("accounts", "create", CACTUS, "--name", "The Cactus Practice")
    for user in USERS.values():
        cli("users", "add", user, "--account", CACTUS)
    for letter, (developer, app) in APPS.items():
        cli("accounts", "create", developer, "--name", f"Developer of App {letter}")
        with tempfile.TemporaryDirectory() as folder:
            manifest = pathlib.Path(folder, "stripe-app.json")
            permissions = [{"permission": "secret_write", "purpose": "Stores an API key and each user's OAuth tokens"}]
            content = {"id": app, "version": "1.0.0", "name": f"App {letter}", "icon": "./icon.png", "permissions": permissions}
            manifest.write_text(json.dumps(content))
            cli("apps", "upload", "--manifest", str(manifest), "--owner", developer)
        cli("apps", "publish", app)
        cli("apps", "install", app, "--account", CACTUS)
        keys[f"backend {letter}"] = cli("keys", "create", "--kind", "secret", "--account", developer)["value"]
        for name, user in USERS.items():
            session = cli("sessions", "create", "--app", app, "--account", CACTUS, "--user", user)
            keys[f"{letter}, {name}"] = session["key"]
    return keys


class Scopes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = make_world()
        # Each app's backend stores what the picture shows.
        for name, scope, who, expected in rows():
            if who == f"backend {expected}":
                secret = {"name": name, "payload": payload(expected, name, scope), "scope": SCOPES[scope]}
                cls.secrets(who).create(secret)

    @classmethod
    def secrets(cls, who):
        return world.client(cls.keys[who], CACTUS if who.startswith("backend") else None).v1.apps.secrets

    def missing(self, call):
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            call()
        self.assertEqual((caught.exception.http_status, caught.exception.code, caught.exception.param), (404, "resource_missing", "name"))

    def test_rule_5_5_find(self):
        for name, scope, who, expected in rows():
            with self.subTest(name=name, scope=scope, who=who):
                query = {"name": name, "scope": SCOPES[scope], "expand": ["payload"]}
                if expected == "-":
                    self.missing(lambda: self.secrets(who).find(query))
                else:
                    self.assertEqual(self.secrets(who).find(query).payload, payload(expected, name, scope))

    def test_rule_5_5_list(self):
        for who in self.keys:
            for scope in SCOPES:
                with self.subTest(who=who, scope=scope):
                    expected = {name for name, at, asking, app in rows() if (at, asking) == (scope, who) and app != "-"}
                    page = self.secrets(who).list({"scope": SCOPES[scope]})
                    self.assertEqual({secret.name for secret in page.data}, expected)

    def test_rule_5_7_set_and_delete(self):
        for who in self.keys:
            for scope in SCOPES:
                with self.subTest(who=who, scope=scope):
                    secrets, name = self.secrets(who), world.new_name()
                    secret = {"name": name, "scope": SCOPES[scope]}
                    if who.endswith("user 1") and scope == "user 2" or who.endswith("user 2") and scope == "user 1":
                        with self.assertRaises(stripe.PermissionError):
                            secrets.create({**secret, "payload": f"payload of {name}"})
                        self.missing(lambda: secrets.delete_where(secret))
                    else:
                        secrets.create({**secret, "payload": f"payload of {name}"})
                        self.assertIs(secrets.delete_where(secret).deleted, True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
