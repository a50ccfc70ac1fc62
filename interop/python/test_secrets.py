"""The official Python library, synchronous and asynchronous, unchanged but for its base URL."""

import unittest
import unittest.mock
import uuid

import stripe

import server

DEVELOPER_KEY = "sk_test_interop_python"
MERCHANT = "acct_pythonMerchant"
STRANGER = "acct_stranger"
OAUTH_TOKEN = "sk_test_oauth_python"
RESTRICTED_KEY = "rk_test_write_python"
READ_KEY = "rk_test_read_python"
EXPIRING_KEY = "ek_test_short_python"

ACCOUNT = {"type": "account"}


def client(key=DEVELOPER_KEY, account=MERCHANT, url=server.URL, **options):
    return stripe.StripeClient(key, base_addresses={"api": url}, stripe_account=account, **options)


def new_user():
    return {"type": "user", "user": f"usr_{uuid.uuid4().hex}"}


class Synchronous:
    """The four operations by the synchronous methods."""

    async def create(self, c, params, **options):
        return c.v1.apps.secrets.create(params, options)

    async def find(self, c, params, **options):
        return c.v1.apps.secrets.find(params, options)

    async def list(self, c, params, **options):
        return c.v1.apps.secrets.list(params, options)

    async def delete(self, c, params, **options):
        return c.v1.apps.secrets.delete_where(params, options)

    async def all(self, page):
        return list(page.auto_paging_iter())


class Asynchronous:
    """The same by the asynchronous ones."""

    async def create(self, c, params, **options):
        return await c.v1.apps.secrets.create_async(params, options)

    async def find(self, c, params, **options):
        return await c.v1.apps.secrets.find_async(params, options)

    async def list(self, c, params, **options):
        return await c.v1.apps.secrets.list_async(params, options)

    async def delete(self, c, params, **options):
        return await c.v1.apps.secrets.delete_where_async(params, options)

    async def all(self, page):
        return [secret async for secret in page.auto_paging_iter()]


class Suite:
    """What every check below is run with: `self.api` is one of the two ways."""

    async def refused(self, kind, status, call, code=None, param=None, kind_on_wire="invalid_request_error"):
        with self.assertRaises(kind) as caught:
            await call
        error = caught.exception
        self.assertIs(type(error), kind)
        self.assertEqual(error.http_status, status)
        said = error.error.to_dict()
        self.assertEqual((said["type"], said.get("code"), said.get("param")), (kind_on_wire, code, param))
        self.assertRegex(error.request_id, r"^req_[A-Za-z0-9]{14}$")
        return error

    async def fill(self, c, scope, count=10):
        """Stores `count` secrets and answers their names, newest first."""
        names = [f"name_{index}" for index in range(count)]
        for name in names:
            await self.api.create(c, {"name": name, "payload": f"payload of {name}", "scope": scope})
        return names[::-1]

    async def test_rule_1_the_four_operations_in_the_account_scope(self):
        c, name = client(), f"account_{uuid.uuid4().hex}"
        created = await self.api.create(c, {"name": name, "payload": "v1", "scope": ACCOUNT})
        self.assertRegex(created.id, r"^appsecret_[A-Za-z0-9]{30}$")
        self.assertEqual(created.object, "apps.secret")
        self.assertIs(created.livemode, False)
        self.assertIsNone(created.expires_at)
        self.assertNotIn("payload", created)
        self.assertEqual(created.scope.to_dict(), ACCOUNT)
        found = await self.api.find(c, {"name": name, "scope": ACCOUNT, "expand": ["payload"]})
        self.assertEqual((found.id, found.payload), (created.id, "v1"))
        listed = await self.api.list(c, {"scope": ACCOUNT})
        self.assertEqual(listed.url, "/v1/apps/secrets")
        self.assertIn(created.id, [secret.id for secret in listed.data])
        deleted = await self.api.delete(c, {"name": name, "scope": ACCOUNT})
        self.assertEqual((deleted.id, deleted.deleted), (created.id, True))
        await self.refused(
            stripe.InvalidRequestError, 404, self.api.find(c, {"name": name, "scope": ACCOUNT}), "resource_missing", "name"
        )

    async def test_rule_4_6_the_four_operations_in_a_user_scope(self):
        c, scope = client(), new_user()
        created = await self.api.create(c, {"name": "token", "payload": "v1", "scope": scope})
        self.assertEqual(created.scope.to_dict(), scope)
        found = await self.api.find(c, {"name": "token", "scope": scope, "expand": ["payload"]})
        self.assertEqual((found.id, found.payload), (created.id, "v1"))
        self.assertEqual([s.id for s in (await self.api.list(c, {"scope": scope})).data], [created.id])
        self.assertEqual((await self.api.list(c, {"scope": new_user()})).data, [])
        self.assertIs((await self.api.delete(c, {"name": "token", "scope": scope})).deleted, True)
        await self.refused(
            stripe.InvalidRequestError, 404, self.api.delete(c, {"name": "token", "scope": scope}), "resource_missing", "name"
        )

    async def test_rule_4_1_and_4_2_replace_and_the_limit(self):
        c, scope = client(), new_user()
        expires_at = server.now() + 1_000_000
        await self.fill(c, scope, 9)
        first = await self.api.create(c, {"name": "x", "payload": "v1", "scope": scope, "expires_at": expires_at})
        self.assertEqual(first.expires_at, expires_at)
        second = await self.api.create(c, {"name": "x", "payload": "v2", "scope": scope, "expand": ["payload"]})
        self.assertEqual((second.id, second.created, second.payload), (first.id, first.created, "v2"))
        self.assertIsNone(second.expires_at)
        eleventh = self.api.create(c, {"name": "y", "payload": "v", "scope": scope})
        await self.refused(stripe.InvalidRequestError, 400, eleventh, None, "name")

    async def test_rule_4_7_pages_and_auto_paging_forwards_and_backwards(self):
        c, scope = client(), new_user()
        names = await self.fill(c, scope)
        page = await self.api.list(c, {"scope": scope, "limit": 3})
        self.assertEqual(([s.name for s in page.data], page.has_more), (names[:3], True))
        self.assertEqual([s.name for s in await self.api.all(page)], names)
        everything = (await self.api.list(c, {"scope": scope})).data
        self.assertEqual([s.name for s in everything], names)
        before_last = {"scope": scope, "limit": 3, "ending_before": everything[-1].id}
        back = await self.api.list(c, before_last)
        self.assertEqual(([s.name for s in back.data], back.has_more), (names[6:9], True))
        self.assertEqual([s.name for s in await self.api.all(back)], names[8::-1])
        unknown = self.api.list(c, {"scope": scope, "starting_after": "appsecret_x"})
        await self.refused(stripe.InvalidRequestError, 400, unknown, "resource_missing", "starting_after")

    async def test_rule_4_8_expansion(self):
        c, scope = client(), new_user()
        names = await self.fill(c, scope, 2)
        page = await self.api.list(c, {"scope": scope, "expand": ["data.payload"]})
        self.assertEqual([s.payload for s in page.data], [f"payload of {name}" for name in names])
        self.assertNotIn("payload", (await self.api.list(c, {"scope": scope})).data[0])
        deleted = await self.api.delete(c, {"name": names[0], "scope": scope, "expand": ["payload"]})
        self.assertEqual(deleted.payload, f"payload of {names[0]}")
        wrong = self.api.find(c, {"name": names[1], "scope": scope, "expand": ["foo"]})
        await self.refused(stripe.InvalidRequestError, 400, wrong)

    async def test_rule_6_errors_by_class(self):
        c, scope = client(), new_user()
        find = {"name": "x", "scope": scope}
        error = await self.refused(stripe.AuthenticationError, 401, self.api.find(client("sk_live_unknownUnknown1234"), find))
        self.assertEqual(error.user_message, "Invalid API Key provided: sk_live_****1234")
        publishable = self.api.find(client("pk_test_anything"), find)
        await self.refused(stripe.AuthenticationError, 401, publishable, "secret_key_required")
        stranger = self.api.find(client(account=STRANGER), find)
        await self.refused(stripe.PermissionError, 403, stranger, "account_invalid")
        reader = client(READ_KEY, None)
        self.assertEqual((await self.api.list(reader, {"scope": scope})).data, [])
        refused = self.api.create(reader, {"name": "x", "payload": "y", "scope": scope})
        await self.refused(stripe.PermissionError, 403, refused, "more_permissions_required")
        for params, code, param in [
            ({"name": "x", "scope": scope}, "parameter_missing", "payload"),
            ({"name": "", "payload": "y", "scope": scope}, "parameter_invalid_empty", "name"),
            ({"name": "x", "payload": "y", "scope": {"type": "team"}}, None, "scope[type]"),
            ({"name": "x", "payload": "y", "scope": {"type": "user"}}, "parameter_missing", "scope[user]"),
            ({"name": "x", "payload": "y", "scope": scope, "foo": "bar"}, "parameter_unknown", "foo"),
            ({"name": "x", "payload": "y", "scope": scope, "expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
            ({"name": "x", "payload": "y", "scope": scope, "expires_at": 1}, None, "expires_at"),
        ]:
            with self.subTest(params=params):
                await self.refused(stripe.InvalidRequestError, 400, self.api.create(c, params), code, param)

    async def test_rule_7_4_idempotency(self):
        c, scope, key = client(), new_user(), uuid.uuid4().hex
        params = {"name": "x", "payload": "v1", "scope": scope}
        first = await self.api.create(c, params, idempotency_key=key)
        replayed = await self.api.create(c, params, idempotency_key=key)
        self.assertEqual(replayed.id, first.id)
        self.assertEqual(replayed.last_response.headers["idempotent-replayed"], "true")
        self.assertEqual(replayed.last_response.headers["original-request"], first.last_response.request_id)
        self.assertNotIn("idempotent-replayed", first.last_response.headers)
        other = self.api.create(c, {**params, "payload": "v2"}, idempotency_key=key)
        await self.refused(stripe.IdempotencyError, 400, other, kind_on_wire="idempotency_error")

    async def test_rule_7_5_a_refusal_is_tried_once(self):
        counting = self.counting_client()
        c = client(http_client=counting, max_network_retries=3)
        missing = self.api.delete(c, {"name": "x", "scope": new_user()})
        error = await self.refused(stripe.InvalidRequestError, 404, missing, "resource_missing", "name")
        self.assertEqual(error.headers["stripe-should-retry"], "false")
        self.assertEqual(counting.attempts, 1)

    async def test_rule_7_4_an_answer_lost_on_the_way_is_replayed_to_the_retry(self):
        counting = self.counting_client(lost=1)
        c, scope = client(http_client=counting, max_network_retries=2), new_user()
        created = await self.api.create(c, {"name": "x", "payload": "v", "scope": scope})
        self.assertEqual(counting.attempts, 2)
        self.assertEqual(created.last_response.headers["idempotent-replayed"], "true")
        self.assertEqual([s.id for s in (await self.api.list(client(), {"scope": scope})).data], [created.id])

    async def test_rule_5_2_and_5_10_accounts_by_header_and_by_context(self):
        scope = new_user()
        plain = client(account=None)
        created = await self.api.create(plain, {"name": "x", "payload": "v", "scope": scope}, stripe_account=MERCHANT)
        self.assertEqual(created.last_response.headers["stripe-account"], MERCHANT)
        by_context = stripe.StripeClient(DEVELOPER_KEY, base_addresses={"api": server.URL}, stripe_context=MERCHANT)
        self.assertEqual((await self.api.find(by_context, {"name": "x", "scope": scope})).id, created.id)
        own = self.api.find(plain, {"name": "x", "scope": scope})
        await self.refused(stripe.InvalidRequestError, 404, own, "resource_missing", "name")

    async def test_rule_5_3_and_5_4_tokens_that_are_the_key_itself(self):
        scope = new_user()
        created = await self.api.create(client(), {"name": "x", "payload": "v", "scope": scope})
        for key in [OAUTH_TOKEN, RESTRICTED_KEY]:
            with self.subTest(key=key):
                found = await self.api.find(client(key, None), {"name": "x", "scope": scope})
                self.assertEqual(found.id, created.id)
                named = await self.api.find(client(key, MERCHANT), {"name": "x", "scope": scope})
                self.assertEqual(named.id, created.id)
                other = self.api.find(client(key, STRANGER), {"name": "x", "scope": scope})
                await self.refused(stripe.PermissionError, 403, other, "account_invalid")

    async def test_rule_3_5_and_3_7_any_unicode(self):
        c, scope = client(), new_user()
        for name, payload in [
            ("ключ 🔑 & key=1+1%20", "päylöad\r\n\t\"\\/<>& ="),
            ("null", "null"),
            ("longest", "🔐" * 5000),
        ]:
            with self.subTest(name=name):
                await self.api.create(c, {"name": name, "payload": payload, "scope": scope})
                found = await self.api.find(c, {"name": name, "scope": scope, "expand": ["payload"]})
                self.assertEqual((found.name, found.payload), (name, payload))
        longer = self.api.create(c, {"name": "longer", "payload": "🔐" * 5001, "scope": scope})
        error = await self.refused(stripe.InvalidRequestError, 400, longer, None, "payload")
        self.assertNotIn("🔐", str(error))

    async def test_rule_8_1_the_same_over_tls(self):
        with unittest.mock.patch.object(stripe, "ca_bundle_path", server.CA_FILE):
            c, scope = client(url=server.HTTPS_URL), new_user()
            created = await self.api.create(c, {"name": "x", "payload": "v", "scope": scope})
            self.assertEqual((await self.api.find(c, {"name": "x", "scope": scope})).id, created.id)

    async def test_rule_4_4_expiry(self):
        c, scope = client(), new_user()
        params = {"name": "x", "payload": "v", "scope": scope}
        expires_at = server.now() + 3600
        created = await self.api.create(c, {**params, "expires_at": expires_at})
        self.assertEqual((await self.api.find(c, {"name": "x", "scope": scope})).expires_at, expires_at)
        server.advance("2h")
        gone = self.api.find(c, {"name": "x", "scope": scope})
        await self.refused(stripe.InvalidRequestError, 404, gone, "resource_missing", "name")
        self.assertEqual((await self.api.list(c, {"scope": scope})).data, [])
        self.assertNotEqual((await self.api.create(c, params)).id, created.id)
        expired = self.api.find(client(EXPIRING_KEY, None), {"name": "x", "scope": ACCOUNT})
        await self.refused(stripe.AuthenticationError, 401, expired, "api_key_expired")


class SynchronousSuite(Suite, unittest.IsolatedAsyncioTestCase):
    api = Synchronous()

    def counting_client(self, lost=0):
        class Counting(stripe.RequestsClient):
            attempts = 0

            def _sleep_time_seconds(self, num_retries):
                return 0.0

            def request(self, *arguments, **options):
                answer = super().request(*arguments, **options)
                self.attempts += 1
                if self.attempts <= lost:
                    raise stripe.APIConnectionError("the answer was lost", should_retry=True)
                return answer

        return Counting()


class AsynchronousSuite(Suite, unittest.IsolatedAsyncioTestCase):
    api = Asynchronous()

    def counting_client(self, lost=0):
        class Counting(stripe.HTTPXClient):
            attempts = 0

            def _sleep_time_seconds(self, num_retries):
                return 0.0

            async def request_async(self, *arguments, **options):
                answer = await super().request_async(*arguments, **options)
                self.attempts += 1
                if self.attempts <= lost:
                    raise stripe.APIConnectionError("the answer was lost", should_retry=True)
                return answer

        return Counting()


if __name__ == "__main__":
    unittest.main(verbosity=2)
