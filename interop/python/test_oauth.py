"""OAuth for apps through the official Python library, aimed by its base address for Connect. Everything here moves the clock by minutes only."""

import concurrent.futures
import unittest
import unittest.mock
import urllib.error
import urllib.request

import stripe
from stripe.oauth_error import (
    InvalidClientError, InvalidGrantError, InvalidRequestError, InvalidScopeError, UnsupportedGrantTypeError,
)

import server
import world

TOKEN_KEYS = [
    "access_token", "livemode", "refresh_token", "scope", "stripe_publishable_key", "stripe_user_id", "token_type",
]


class ByClient:
    """`client.oauth`."""

    def token(self, key=world.MAKER_KEY, **params):
        return world.client(key).oauth.token(params)

    def deauthorize(self, key=world.MAKER_KEY, **params):
        return world.client(key, client_id=world.CATALOG_CLIENT).oauth.deauthorize(params)


class Classic:
    """`stripe.OAuth`, aimed by the global base."""

    def token(self, key=world.MAKER_KEY, **params):
        return stripe.OAuth.token(api_key=key, **params)

    def deauthorize(self, key=world.MAKER_KEY, **params):
        return stripe.OAuth.deauthorize(api_key=key, **params)


def code(account=world.SHOP, **params):
    """A code, as the developer's own create answers it."""
    return world.maker(account).v1.apps.installs.create({"app": world.CATALOG, **params}).auth_code


def secrets_of(token):
    return world.client(token).v1.apps.secrets


class Suite:
    """What every check below is run with: `self.oauth` is one of the two ways."""

    def setUp(self):
        patch = unittest.mock.patch.multiple(stripe, connect_api_base=server.URL, client_id=world.CATALOG_CLIENT)
        patch.start()
        self.addCleanup(patch.stop)

    def exchange(self, code, **params):
        return self.oauth.token(grant_type="authorization_code", code=code, **params)

    def refresh(self, token, **params):
        return self.oauth.token(grant_type="refresh_token", refresh_token=token, **params)

    def refused(self, kind, call, status=400):
        with self.assertRaises(stripe.StripeError) as caught:
            call()
        error = caught.exception
        self.assertIs(type(error), kind)
        self.assertEqual(error.http_status, status)
        said = error.error.to_dict()
        self.assertEqual(list(said), ["error", "error_description"])
        self.assertEqual(error.code, said["error"])
        return said["error_description"]

    def works(self, pair):
        scope = {"type": "user", "user": world.new_name()}
        self.assertEqual(secrets_of(pair.access_token).list({"scope": scope}).data, [])

    def dead(self, pair, code=None):
        with self.assertRaises(stripe.AuthenticationError) as caught:
            secrets_of(pair.access_token).list({"scope": world.ACCOUNT})
        self.assertEqual(caught.exception.error.to_dict().get("code"), code)

    def test_rule_15_5_the_answer_and_15_6_the_token(self):
        pair = self.exchange(code())
        self.assertEqual(list(pair.to_dict()), TOKEN_KEYS)
        self.assertRegex(pair.access_token, r"^rk_test_[A-Za-z0-9]{64}$")
        self.assertRegex(pair.refresh_token, r"^rt_[A-Za-z0-9]{64}$")
        said = (pair.livemode, pair.scope, pair.stripe_publishable_key, pair.stripe_user_id, pair.token_type)
        self.assertEqual(said, (False, "stripe_apps", world.SHOP_PUBLISHABLE_KEY, world.SHOP, "bearer"))
        without = self.exchange(code(world.DEPOT))
        self.assertEqual(list(without.to_dict()), [key for key in TOKEN_KEYS if key != "stripe_publishable_key"])
        name = world.new_name()
        mine = secrets_of(pair.access_token)
        mine.create({"name": name, "payload": f"payload of {name}", "scope": {"type": "user", "user": name}})
        query = {"name": name, "scope": {"type": "user", "user": name}, "expand": ["payload"]}
        self.assertEqual(world.maker().v1.apps.secrets.find(query).payload, f"payload of {name}")

    def test_rule_15_10_pkce(self):
        verifier, challenge = world.challenge()
        with_challenge = code(code_challenge=challenge, code_challenge_method="S256")
        self.refused(InvalidRequestError, lambda: self.exchange(with_challenge))
        self.refused(InvalidRequestError, lambda: self.exchange(with_challenge, code_verifier="short"))
        self.refused(InvalidGrantError, lambda: self.exchange(with_challenge, code_verifier=world.challenge()[0]))
        self.works(self.exchange(with_challenge, code_verifier=verifier))
        without = code()
        self.refused(InvalidGrantError, lambda: self.exchange(without, code_verifier=verifier))
        self.works(self.exchange(without))

    def test_rule_15_2_and_15_6_a_newer_code_or_grant_ends_the_older(self):
        first, second = code(), code()
        self.refused(InvalidGrantError, lambda: self.exchange(first))
        older = self.exchange(second)
        newer = self.exchange(code())
        self.works(newer)
        self.refused(InvalidGrantError, lambda: self.refresh(older.refresh_token))
        self.dead(older)

    def test_rule_15_7_rotation(self):
        first = self.exchange(code())
        second = self.refresh(first.refresh_token, scope="stripe_apps")
        self.assertNotEqual((second.access_token, second.refresh_token), (first.access_token, first.refresh_token))
        self.assertEqual(list(second.to_dict()), TOKEN_KEYS)
        self.works(first)
        self.works(second)
        server.advance("10s")
        self.dead(first)
        self.works(second)
        third = self.refresh(second.refresh_token)
        server.advance("1h")
        self.dead(third, "api_key_expired")
        self.works(self.refresh(third.refresh_token))

    def test_rule_15_8_a_code_used_again_revokes(self):
        used = code()
        pair = self.exchange(used)
        self.works(pair)
        said = self.refused(InvalidGrantError, lambda: self.exchange(used))
        self.assertEqual(
            said, "This authorization code has already been used. All tokens issued with this code have been revoked."
        )
        self.dead(pair)
        self.refused(InvalidGrantError, lambda: self.refresh(pair.refresh_token))

    def test_rule_15_8_a_race_harms_nobody_and_theft_revokes(self):
        first = self.exchange(code())
        second = self.refresh(first.refresh_token)
        server.advance("60s")
        self.refused(InvalidGrantError, lambda: self.refresh(first.refresh_token))
        self.works(second)
        third = self.refresh(second.refresh_token)
        server.advance("61s")
        self.refused(InvalidGrantError, lambda: self.refresh(second.refresh_token))
        self.dead(third)
        self.refused(InvalidGrantError, lambda: self.refresh(third.refresh_token))
        # The install stays.
        self.works(self.exchange(code()))

    def test_rule_15_8_sixteen_refreshes_of_one_token_leave_one_living_pair(self):
        pair = self.exchange(code())

        def one(_):
            try:
                return self.refresh(pair.refresh_token)
            except InvalidGrantError:
                return None

        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            (winner,) = [found for found in threads.map(one, range(16)) if found]
        self.works(winner)
        self.works(self.refresh(winner.refresh_token))

    def test_rule_15_14_every_word(self):
        install = world.install()
        for expected, params in [
            (InvalidRequestError, {"grant_type": ""}),
            (InvalidRequestError, {"grant_type": "authorization_code"}),
            (InvalidRequestError, {"grant_type": "authorization_code", "code": ""}),
            (InvalidRequestError, {"grant_type": "refresh_token"}),
            (InvalidRequestError, {"grant_type": "refresh_token", "refresh_token": "rt_x", "foo": "bar"}),
            (UnsupportedGrantTypeError, {"grant_type": "client_credentials"}),
            (InvalidGrantError, {"grant_type": "authorization_code", "code": "ac_x"}),
            (InvalidGrantError, {"grant_type": "refresh_token", "refresh_token": "rt_x"}),
            (InvalidScopeError, {"grant_type": "refresh_token", "refresh_token": "rt_x", "scope": "read_write"}),
        ]:
            with self.subTest(params=params):
                self.refused(expected, lambda: self.oauth.token(**params))
        fresh = code()
        of_another = {"key": "sk_test_interop_studio", "grant_type": "authorization_code", "code": fresh}
        self.refused(InvalidGrantError, lambda: self.oauth.token(**of_another))
        self.refused(InvalidGrantError, lambda: self.exchange(fresh, redirect_uri="https://other.example/"))
        self.refused(InvalidClientError, lambda: self.exchange(fresh, client_id="ca_x"), 401)
        self.refused(InvalidClientError, lambda: self.exchange(fresh, client_secret="sk_test_interop_studio"), 401)
        self.works(self.exchange(fresh, client_id=world.CATALOG_CLIENT, client_secret=world.MAKER_KEY))
        self.assertEqual(world.maker().v1.apps.installs.retrieve(install.id).id, install.id)
        late = code()
        server.advance("5m")
        self.refused(InvalidGrantError, lambda: self.exchange(late))

    def test_rule_15_3_and_15_15_who_asks(self):
        for key, kind in [
            ("sk_test_interop_shop", InvalidGrantError),
            ("sk_live_unknownUnknown1234", stripe.AuthenticationError),
            (world.SHOP_PUBLISHABLE_KEY, stripe.AuthenticationError),
            (world.WRITES_INSTALLS, stripe.PermissionError),
            (world.OAUTH_TOKEN, stripe.PermissionError),
        ]:
            with self.subTest(key=key), self.assertRaises(stripe.StripeError) as caught:
                self.oauth.token(key=key, grant_type="authorization_code", code="ac_x")
            self.assertIs(type(caught.exception), kind)

    def test_rule_15_16_deauthorization(self):
        pair = self.exchange(code())
        install = world.install()
        self.refused(InvalidClientError, lambda: self.oauth.deauthorize(client_id="ca_x", stripe_user_id=world.SHOP), 401)
        self.refused(InvalidRequestError, lambda: self.oauth.deauthorize(stripe_user_id=""))
        stranger = self.refused(InvalidClientError, lambda: self.oauth.deauthorize(stripe_user_id=world.STRANGER), 401)
        self.assertIn(f"not connected to stripe account {world.STRANGER}", stranger)
        ended = self.oauth.deauthorize(stripe_user_id=world.SHOP)
        self.assertEqual(ended.to_dict(), {"stripe_user_id": world.SHOP})
        with self.assertRaises(stripe.InvalidRequestError):
            world.maker().v1.apps.installs.retrieve(install.id)
        self.refused(InvalidGrantError, lambda: self.refresh(pair.refresh_token))
        with self.assertRaises(stripe.PermissionError) as caught:
            secrets_of(pair.access_token).list({"scope": world.ACCOUNT})
        self.assertEqual(caught.exception.error.code, "account_invalid")
        # 14.4: a reinstall does not revive it.
        self.assertNotEqual(world.install().id, install.id)
        with self.assertRaises(stripe.PermissionError):
            secrets_of(pair.access_token).list({"scope": world.ACCOUNT})


class OAuthByClient(Suite, unittest.TestCase):
    oauth = ByClient()


class OAuthClassic(Suite, unittest.TestCase):
    oauth = Classic()


class LostAnswers(unittest.TestCase):
    """Contract 15.9."""

    def losing(self, lost):
        class Losing(stripe.RequestsClient):
            headers = []

            def _sleep_time_seconds(self, num_retries):
                return 0.0

            def request(self, *arguments, **options):
                answer = super().request(*arguments, **options)
                self.headers.append(answer[2])
                if len(self.headers) <= lost:
                    raise stripe.APIConnectionError("the answer was lost", should_retry=True)
                return answer

        return Losing()

    def works(self, pair):
        scope = {"type": "user", "user": world.new_name()}
        self.assertEqual(secrets_of(pair.access_token).list({"scope": scope}).data, [])

    def test_rule_15_9_the_library_tries_again_by_itself(self):
        losing = self.losing(1)
        client = world.client(world.MAKER_KEY, http_client=losing, max_network_retries=2)
        pair = client.oauth.token({"grant_type": "authorization_code", "code": code()})
        self.assertEqual([headers.get("idempotent-replayed") for headers in losing.headers], [None, "true"])
        self.works(pair)
        losing.headers.clear()
        self.works(client.oauth.token({"grant_type": "refresh_token", "refresh_token": pair.refresh_token}))
        self.assertEqual([headers.get("idempotent-replayed") for headers in losing.headers], [None, "true"])

    def test_rule_15_9_the_unseen_pair_dies_and_a_presented_one_ends_the_replays(self):
        token = world.client(world.MAKER_KEY).oauth.token

        def by_code():
            return {"grant_type": "authorization_code", "code": code()}

        def by_refresh():
            return {"grant_type": "refresh_token", "refresh_token": token(by_code()).refresh_token}

        for grant in [by_code, by_refresh]:
            with self.subTest(grant=grant.__name__):
                params = grant()
                key = {"idempotency_key": world.new_name()}
                unseen, seen = token(params, key), token(params, key)
                self.assertEqual(seen.last_response.headers["idempotent-replayed"], "true")
                self.assertNotEqual(seen.access_token, unseen.access_token)
                self.works(seen)
                with self.assertRaises(InvalidGrantError):
                    token(params, key)
                self.works(seen)
                with self.assertRaises(stripe.AuthenticationError):
                    secrets_of(unseen.access_token).list({"scope": world.ACCOUNT})


class Links(unittest.TestCase):
    def test_rule_15_11_and_15_17_authorize_url_leads_to_a_page(self):
        client = world.client(world.MAKER_KEY, client_id=world.CATALOG_CLIENT)
        url = client.oauth.authorize_url({"redirect_uri": world.CATALOG_CALLBACK, "state": "é &=?", "scope": "read_write"})
        self.assertTrue(url.startswith(f"{server.URL}/oauth/authorize?"), url)
        with urllib.request.urlopen(url) as page:
            self.assertEqual((page.status, page.headers.get_content_type()), (200, "text/html"))
            self.assertIn("Catalog", page.read().decode())
        for params in [{"client_id": "ca_x"}, {"redirect_uri": "https://other.example/"}]:
            with self.subTest(params=params), self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(client.oauth.authorize_url(params))
            self.assertEqual(caught.exception.code, 400)
            caught.exception.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
