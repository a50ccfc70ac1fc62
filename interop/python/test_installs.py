"""The Install API through the official Python library: its services, synchronous and asynchronous, and its older style."""

import asyncio
import unittest
import unittest.mock

import stripe

import server
import world

CREATED_KEYS = [
    "id", "object", "account", "app", "approval_required", "auth_code", "channel", "content_security_policy_granted",
    "content_security_policy_pending", "created", "created_by", "endpoints_granted", "endpoints_pending", "livemode",
    "permissions_granted", "permissions_pending", "status",
]


class Synchronous:
    """The five operations by the synchronous methods of `client.v1.apps.installs`."""

    branch = 1

    async def list(self, key, account, params):
        return world.client(key, account).v1.apps.installs.list(params)

    async def create(self, key, account, params):
        return world.client(key, account).v1.apps.installs.create(params)

    async def retrieve(self, key, account, id):
        return world.client(key, account).v1.apps.installs.retrieve(id)

    async def update(self, key, account, id):
        return world.client(key, account).v1.apps.installs.update(id)

    async def uninstall(self, key, account, id):
        return world.client(key, account).v1.apps.installs.uninstall(id)

    async def all(self, page):
        return list(page.auto_paging_iter())

    async def at_once(self, count, create):
        """Runs `count` calls at the same time, each in a thread."""
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, create()) for _ in range(count)))


class Asynchronous:
    """The same by the asynchronous ones."""

    branch = 2

    async def list(self, key, account, params):
        return await world.client(key, account).v1.apps.installs.list_async(params)

    async def create(self, key, account, params):
        return await world.client(key, account).v1.apps.installs.create_async(params)

    async def retrieve(self, key, account, id):
        return await world.client(key, account).v1.apps.installs.retrieve_async(id)

    async def update(self, key, account, id):
        return await world.client(key, account).v1.apps.installs.update_async(id)

    async def uninstall(self, key, account, id):
        return await world.client(key, account).v1.apps.installs.uninstall_async(id)

    async def all(self, page):
        return [install async for install in page.auto_paging_iter()]

    async def at_once(self, count, create):
        return await asyncio.gather(*(create() for _ in range(count)))


class Classic:
    """`stripe.apps.Install`, aimed by the global base."""

    branch = 3

    async def list(self, key, account, params):
        return stripe.apps.Install.list(api_key=key, stripe_account=account, **params)

    async def create(self, key, account, params):
        return stripe.apps.Install.create(api_key=key, stripe_account=account, **params)

    async def retrieve(self, key, account, id):
        return stripe.apps.Install.retrieve(id, api_key=key, stripe_account=account)

    async def update(self, key, account, id):
        return stripe.apps.Install.modify(id, api_key=key, stripe_account=account)

    async def uninstall(self, key, account, id):
        return stripe.apps.Install.uninstall(id, api_key=key, stripe_account=account)

    async def all(self, page):
        return list(page.auto_paging_iter())

    async def at_once(self, count, create):
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, create()) for _ in range(count)))


class Suite:
    """What every check below is run with: `self.api` is one of the three ways."""

    def setUp(self):
        base = unittest.mock.patch.object(stripe, "api_base", server.URL)
        base.start()
        self.addCleanup(base.stop)

    async def refused(self, kind, status, call, code=None, param=None):
        with self.assertRaises(kind) as caught:
            await call
        error = caught.exception
        self.assertIs(type(error), kind)
        said = error.error.to_dict()
        self.assertEqual((error.http_status, said["type"]), (status, "invalid_request_error"))
        self.assertEqual((said.get("code"), said.get("param")), (code, param), said["message"])
        self.assertRegex(error.request_id, r"^req_[A-Za-z0-9]{14}$")
        return said["message"]

    async def missing(self, call, id):
        message = await self.refused(stripe.InvalidRequestError, 404, call, "resource_missing", "id")
        self.assertEqual(message, f"No such install: '{id}'")

    async def put_secret(self, account):
        """A secret of the maker on an account; answers its name."""
        name = world.new_name()
        world.maker(account).v1.apps.secrets.create({"name": name, "payload": f"payload of {name}", "scope": world.ACCOUNT})
        return name

    async def test_rule_10_1_to_10_5_and_10_9_and_14_5_the_life_of_an_install(self):
        created = await self.api.create(world.MAKER_KEY, world.SHOP, {"app": world.CATALOG})
        self.assertEqual(list(created.to_dict()), CREATED_KEYS)
        self.assertRegex(created.id, r"^appinst_test_[A-Za-z0-9]{32}$")
        self.assertEqual((created.account, created.app, created.channel), (world.SHOP, world.CATALOG_ID, "public"))
        self.assertEqual((created.status, created.livemode, created.approval_required), ("installed", False, False))
        self.assertEqual((created.permissions_granted, created.permissions_pending), (["event_read", "secret_write"], []))
        self.assertEqual(created.content_security_policy_granted.connect_src, ["https://catalog.example/"])
        self.assertEqual(created.endpoints_granted, ["https://catalog.example/hook"])
        self.assertRegex(created.auth_code, r"^ac_[A-Za-z0-9]{32}$")

        page = await self.api.list(world.MAKER_KEY, None, {"app": world.CATALOG_ID, "limit": 1})
        self.assertEqual((len(page.data), page.has_more, page.url), (1, True, "/v1/apps/installs"))
        everywhere = {install.id: install.account for install in await self.api.all(page)}
        self.assertEqual(everywhere[created.id], world.SHOP)
        self.assertGreater(len(everywhere), 1)
        at_the_shop = await self.api.list(world.MAKER_KEY, None, {"app": world.CATALOG, "account": world.SHOP})
        self.assertEqual([install.id for install in at_the_shop.data], [created.id])

        shown = {**created.to_dict(), "auth_code": None}
        for key, account in [(world.SHOP_KEY, None), (world.MAKER_KEY, None), (world.MAKER_KEY, world.SHOP), (world.READS_INSTALLS, None)]:
            found = await self.api.retrieve(key, account, created.id)
            self.assertEqual(found.to_dict(), shown)
        for key, account in [(world.SHOP_KEY, None), (world.MAKER_KEY, world.SHOP), (world.WRITES_INSTALLS, None)]:
            self.assertEqual((await self.api.update(key, account, created.id)).to_dict(), shown)

        name = await self.put_secret(world.SHOP)
        find = world.maker().v1.apps.secrets.find_async
        query = {"name": name, "scope": world.ACCOUNT, "expand": ["payload"]}
        gone = await self.api.uninstall(world.MAKER_KEY, world.SHOP, created.id)
        self.assertEqual(gone.to_dict(), {**shown, "status": "uninstalling"})
        await self.missing(self.api.retrieve(world.SHOP_KEY, None, created.id), created.id)
        await self.missing(self.api.uninstall(world.MAKER_KEY, world.SHOP, created.id), created.id)
        await self.refused(stripe.PermissionError, 403, find(query), "account_invalid")

        again = await self.api.create(world.MAKER_KEY, world.SHOP, {"app": world.CATALOG_ID})
        self.assertNotEqual(again.id, created.id)
        self.assertEqual(again.permissions_granted, created.permissions_granted)
        self.assertEqual((await find(query)).payload, f"payload of {name}")

    async def test_rule_13_9_and_13_5_the_account_grants_and_throws_out(self):
        account, _ = world.branch(self.api.branch)
        key = f"sk_test_interop_{account.removeprefix('acct_')}"
        (pending,) = (await self.api.list(key, None, {"approval_required": True})).data
        self.assertEqual((pending.permissions_granted, pending.permissions_pending), ([], ["event_read", "secret_write"]))
        create = world.maker(account).v1.apps.secrets.create_async
        params = {"name": "x", "payload": "payload of x", "scope": world.ACCOUNT}
        await self.refused(stripe.PermissionError, 403, create(params), "more_permissions_required")
        # 18.15: the developer cannot grant.
        await self.refused(stripe.PermissionError, 403, self.api.update(world.MAKER_KEY, account, pending.id))
        granted = await self.api.update(key, None, pending.id)
        self.assertEqual((granted.id, granted.approval_required), (pending.id, False))
        self.assertEqual((granted.permissions_granted, granted.permissions_pending), (["event_read", "secret_write"], []))
        self.assertEqual((await create(params)).name, "x")
        self.assertEqual((await self.api.list(key, None, {"approval_required": True})).data, [])
        # 18.14: it is reached through its install of another app only.
        first = self.api.create(world.MAKER_KEY, account, {"app": world.DRAFT, "channel": "testing"})
        await self.refused(stripe.PermissionError, 403, first)
        self.assertEqual((await self.api.uninstall(key, None, pending.id)).status, "uninstalling")
        back = self.api.create(world.MAKER_KEY, account, {"app": world.CATALOG})
        await self.refused(stripe.PermissionError, 403, back, "account_invalid")

    async def test_rule_13_3_an_account_installs_its_own_app(self):
        params = {"app": world.INVENTORY, "channel": "private_test"}
        created = await self.api.create(world.SHOP_KEY, None, params)
        self.assertEqual((created.channel, created.auth_code, created.account), ("private_test", None, world.SHOP))
        self.assertEqual((await self.api.create(world.WRITES_INSTALLS, None, params)).id, created.id)
        listed = await self.api.list(world.SHOP_KEY, None, {"channel": "private_test", "status": "installed"})
        self.assertEqual([install.id for install in listed.data], [created.id])
        self.assertEqual((await self.api.list(world.SHOP_KEY, None, {"channel": "private_test", "status": "uninstalling"})).data, [])
        await self.api.uninstall(world.SHOP_KEY, None, created.id)
        again = await self.api.create(world.SHOP_KEY, None, params)
        self.assertNotEqual(again.id, created.id)
        await self.api.uninstall(world.SHOP_KEY, None, again.id)

    async def test_rule_18_errors_of_lists(self):
        for params, code, param in [
            ({"starting_after": "appinst_test_x"}, "resource_missing", "starting_after"),
            ({"ending_before": "appinst_test_x"}, "resource_missing", "ending_before"),
            ({"channel": "review"}, None, "channel"),
            ({"status": "gone"}, None, "status"),
            ({"account": world.MAKER}, None, "account"),
            ({"approval_required": "maybe"}, None, "approval_required"),
            ({"created": "soon"}, "parameter_invalid_integer", "created"),
            ({"created": {"gte": "soon"}}, "parameter_invalid_integer", "created[gte]"),
            ({"created": {"about": 1}}, "parameter_unknown", "created[about]"),
            ({"limit": "many"}, "parameter_invalid_integer", "limit"),
            ({"expand": ["data.account"]}, None, None),
        ]:
            with self.subTest(params=params):
                await self.refused(stripe.InvalidRequestError, 400, self.api.list(world.SHOP_KEY, None, params), code, param)
        self.assertEqual((await self.api.list(world.SHOP_KEY, None, {"app": "app_x"})).data, [])
        self.assertEqual((await self.api.list(world.SHOP_KEY, None, {"created_by": world.MAKER})).data, [])
        self.assertEqual((await self.api.list(world.SHOP_KEY, None, {"created": {"gt": server.now()}})).data, [])

    async def test_rule_18_errors_of_creation(self):
        own, acting = (world.SHOP_KEY, None), (world.MAKER_KEY, world.SHOP)
        await self.api.create(*acting, {"app": world.CATALOG})
        installs = {"app": world.INVENTORY, "channel": "private_test"}
        _, challenge = world.challenge()
        invalid, forbidden = stripe.InvalidRequestError, stripe.PermissionError
        for caller, params, kind, status, code, param in [
            (own, {}, invalid, 400, "parameter_missing", "app"),
            (own, {"app": ""}, invalid, 400, "parameter_invalid_empty", "app"),
            (own, {"app": "app_x", "channel": "private_test"}, invalid, 404, "resource_missing", "app"),
            (own, {"app": world.CATALOG, "channel": "private_test"}, invalid, 404, "resource_missing", "app"),
            (acting, {"app": "app_x"}, invalid, 404, "resource_missing", "app"),
            (own, {"app": world.INVENTORY, "channel": "review"}, invalid, 400, None, "channel"),
            (own, {"app": world.INVENTORY}, invalid, 400, None, "channel"),
            (own, {"app": world.INVENTORY, "channel": "testing"}, invalid, 400, None, "channel"),
            (own, {"app": world.INVENTORY, "channel": "private_live"}, invalid, 400, None, "channel"),
            (acting, {"app": world.CATALOG, "channel": "private_test"}, invalid, 400, None, "channel"),
            (acting, {"app": world.CATALOG, "channel": "testing"}, invalid, 400, None, "channel"),
            (acting, {"app": world.DRAFT, "channel": "public"}, invalid, 400, None, "channel"),
            (acting, {"app": world.FOREIGN}, forbidden, 403, None, None),
            ((world.MAKER_KEY, world.STRANGER), {"app": world.CATALOG}, forbidden, 403, "account_invalid", None),
            ((world.READS_INSTALLS, None), installs, forbidden, 403, "more_permissions_required", None),
            ((world.OAUTH_TOKEN, None), installs, forbidden, 403, "more_permissions_required", None),
            (own, {**installs, "code_challenge": "short", "code_challenge_method": "S256"}, invalid, 400, None, "code_challenge"),
            (own, {**installs, "code_challenge": challenge}, invalid, 400, "parameter_missing", "code_challenge_method"),
            (own, {**installs, "code_challenge_method": "S256"}, invalid, 400, "parameter_missing", "code_challenge"),
            (own, {**installs, "code_challenge": challenge, "code_challenge_method": "plain"}, invalid, 400, None, "code_challenge_method"),
            (own, {**installs, "foo": "bar"}, invalid, 400, "parameter_unknown", "foo"),
            (("sk_live_unknownUnknown1234", None), installs, stripe.AuthenticationError, 401, None, None),
        ]:
            with self.subTest(caller=caller, params=params):
                await self.refused(kind, status, self.api.create(*caller, params), code, param)

    async def test_rule_12_and_18_errors_at_an_install(self):
        created = await self.api.create(world.MAKER_KEY, world.SHOP, {"app": world.CATALOG})
        await self.missing(self.api.retrieve(world.SHOP_KEY, None, "appinst_test_x"), "appinst_test_x")
        for operation in [self.api.retrieve, self.api.update, self.api.uninstall]:
            with self.subTest(operation=operation.__name__):
                await self.missing(operation(world.DEPOT_KEY, None, created.id), created.id)
                refused = operation(world.OAUTH_TOKEN, None, created.id)
                await self.refused(stripe.PermissionError, 403, refused, "more_permissions_required")
        for operation in [self.api.update, self.api.uninstall]:
            with self.subTest(operation=operation.__name__):
                refused = operation(world.READS_INSTALLS, None, created.id)
                await self.refused(stripe.PermissionError, 403, refused, "more_permissions_required")
                message = await self.refused(stripe.PermissionError, 403, operation(world.MAKER_KEY, None, created.id))
                self.assertIn(f"Stripe-Account: {world.SHOP}", message)

    async def test_rule_10_14_sixteen_creates_leave_one_install(self):
        world.uninstall()
        created = await self.api.at_once(16, lambda: self.api.create(world.MAKER_KEY, world.SHOP, {"app": world.CATALOG}))
        self.assertEqual(len({install.id for install in created}), 1)
        listed = await self.api.list(world.MAKER_KEY, world.SHOP, {"app": world.CATALOG})
        self.assertEqual([install.id for install in listed.data], [created[0].id])


class SynchronousInstalls(Suite, unittest.IsolatedAsyncioTestCase):
    api = Synchronous()


class AsynchronousInstalls(Suite, unittest.IsolatedAsyncioTestCase):
    api = Asynchronous()


class ClassicInstalls(Suite, unittest.IsolatedAsyncioTestCase):
    api = Classic()


class Idempotency(unittest.TestCase):
    def test_rule_10_13_a_replayed_create_brings_no_code_back(self):
        world.uninstall()
        create = world.maker().v1.apps.installs.create
        key = {"idempotency_key": world.new_name()}
        first, replayed = (create({"app": world.CATALOG}, key) for _ in range(2))
        self.assertEqual(replayed.last_response.headers["idempotent-replayed"], "true")
        self.assertEqual(replayed.id, first.id)
        self.assertNotEqual(replayed.auth_code, first.auth_code)
        token = {"grant_type": "authorization_code"}
        with self.assertRaises(stripe.oauth_error.InvalidGrantError):
            world.maker().oauth.token({**token, "code": first.auth_code})
        world.maker().oauth.token({**token, "code": replayed.auth_code})
        self.assertIsNone(create({"app": world.CATALOG}, key).auth_code)
        world.maker().v1.apps.installs.uninstall(first.id)
        self.assertEqual(create({"app": world.CATALOG}, key).id, first.id)


if __name__ == "__main__":
    unittest.main(verbosity=2)
