// The Install API through the official Node library.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {test} from 'node:test';
import {now} from './server.mjs';
import * as world from './world.mjs';
import {client, forbidden, invalid, maker, missing, refused} from './world.mjs';

const CREATED_KEYS = [
  'id', 'object', 'account', 'app', 'approval_required', 'auth_code', 'channel', 'content_security_policy_granted',
  'content_security_policy_pending', 'created', 'created_by', 'endpoints_granted', 'endpoints_pending', 'livemode',
  'permissions_granted', 'permissions_pending', 'status',
];

const GRANTED = ['event_read', 'secret_write'];

const installs = (key, account) => client(key, account).apps.installs;

const ids = (page) => page.data.map(({id}) => id);

test('rules 10.1 to 10.5 and 14.5: the life of an install', async () => {
  const created = await maker().apps.installs.create({app: world.CATALOG});
  assert.deepEqual(Object.keys(created), CREATED_KEYS);
  assert.match(created.id, /^appinst_test_[A-Za-z0-9]{32}$/);
  assert.deepEqual([created.account, created.app, created.channel, created.status], [world.SHOP, world.CATALOG_ID, 'public', 'installed']);
  assert.deepEqual([created.permissions_granted, created.permissions_pending, created.approval_required], [GRANTED, [], false]);
  assert.deepEqual(created.content_security_policy_granted, {connect_src: ['https://catalog.example/'], image_src: []});
  assert.match(created.auth_code, /^ac_[A-Za-z0-9]{32}$/);

  const everywhere = await installs(world.MAKER_KEY).list({app: world.CATALOG_ID, limit: 1}).autoPagingToArray({limit: 100});
  assert.ok(everywhere.length > 1);
  assert.equal(everywhere.find(({id}) => id === created.id).account, world.SHOP);
  const backwards = [];
  const oldest = {app: world.CATALOG_ID, limit: 1, ending_before: everywhere.at(-1).id};
  for await (const {id} of installs(world.MAKER_KEY).list(oldest)) backwards.push(id);
  assert.deepEqual(backwards, everywhere.slice(0, -1).map(({id}) => id).reverse());
  assert.deepEqual(ids(await installs(world.MAKER_KEY).list({app: world.CATALOG, account: world.SHOP})), [created.id]);

  const shown = {...created, auth_code: null};
  for (const [key, account] of [[world.SHOP_KEY], [world.MAKER_KEY], [world.MAKER_KEY, world.SHOP], [world.READS_INSTALLS]]) {
    assert.deepEqual({...(await installs(key, account).retrieve(created.id))}, shown);
  }
  for (const [key, account] of [[world.SHOP_KEY], [world.MAKER_KEY, world.SHOP], [world.WRITES_INSTALLS]]) {
    assert.deepEqual({...(await installs(key, account).update(created.id))}, shown);
  }

  const {secrets} = maker().apps;
  const name = world.newName();
  await secrets.create({name, payload: `payload of ${name}`, scope: world.ACCOUNT});
  const query = {name, scope: world.ACCOUNT, expand: ['payload']};
  assert.deepEqual({...(await maker().apps.installs.uninstall(created.id))}, {...shown, status: 'uninstalling'});
  const gone = await refused(installs(world.SHOP_KEY).retrieve(created.id), missing('id'));
  assert.equal(gone.message, `No such install: '${created.id}'`);
  await refused(maker().apps.installs.uninstall(created.id), missing('id'));
  await refused(secrets.find(query), forbidden('account_invalid'));

  const again = await maker().apps.installs.create({app: world.CATALOG_ID});
  assert.notEqual(again.id, created.id);
  assert.deepEqual(again.permissions_granted, GRANTED);
  assert.equal((await secrets.find(query)).payload, `payload of ${name}`);
});

test('rules 13.9 and 13.5: the account grants and throws out', async () => {
  const account = 'acct_branch_1';
  const own = installs('sk_test_interop_branch_1');
  const [pending] = (await own.list({approval_required: true})).data;
  assert.deepEqual([pending.permissions_granted, pending.permissions_pending], [[], GRANTED]);
  const {secrets} = maker(account).apps;
  const params = {name: 'x', payload: 'payload of x', scope: world.ACCOUNT};
  await refused(secrets.create(params), forbidden('more_permissions_required'));
  // 18.15: the developer cannot grant.
  await refused(maker(account).apps.installs.update(pending.id), forbidden());
  const granted = await own.update(pending.id);
  assert.deepEqual([granted.id, granted.approval_required, granted.permissions_granted], [pending.id, false, GRANTED]);
  assert.equal((await secrets.create(params)).name, 'x');
  assert.deepEqual((await own.list({approval_required: true})).data, []);
  // 18.14: it is reached through its install of another app only.
  await refused(maker(account).apps.installs.create({app: world.DRAFT, channel: 'testing'}), forbidden());
  assert.equal((await own.uninstall(pending.id)).status, 'uninstalling');
  await refused(maker(account).apps.installs.create({app: world.CATALOG}), forbidden('account_invalid'));
});

test('rule 13.3: an account installs its own app', async () => {
  const params = {app: world.INVENTORY, channel: 'private_test'};
  const own = installs(world.SHOP_KEY);
  const created = await own.create(params);
  assert.deepEqual([created.channel, created.auth_code, created.account], ['private_test', null, world.SHOP]);
  assert.equal((await installs(world.WRITES_INSTALLS).create(params)).id, created.id);
  assert.deepEqual(ids(await own.list({channel: 'private_test', status: 'installed'})), [created.id]);
  await own.uninstall(created.id);
  const again = await own.create(params);
  assert.notEqual(again.id, created.id);
  await own.uninstall(again.id);
});

test('rule 18: errors of lists', async () => {
  for (const [params, code, param] of [
    [{starting_after: 'appinst_test_x'}, 'resource_missing', 'starting_after'],
    [{ending_before: 'appinst_test_x'}, 'resource_missing', 'ending_before'],
    [{channel: 'review'}, undefined, 'channel'],
    [{status: 'gone'}, undefined, 'status'],
    [{account: 'acct_maker'}, undefined, 'account'],
    [{approval_required: 'maybe'}, undefined, 'approval_required'],
    [{created: 'soon'}, 'parameter_invalid_integer', 'created'],
    [{created: {gte: 'soon'}}, 'parameter_invalid_integer', 'created[gte]'],
    [{created: {about: 1}}, 'parameter_unknown', 'created[about]'],
    [{limit: 'many'}, 'parameter_invalid_integer', 'limit'],
    [{expand: ['data.account']}],
  ]) {
    await refused(installs(world.SHOP_KEY).list(params), invalid(code, param));
  }
  for (const params of [{app: 'app_x'}, {created_by: 'acct_maker'}, {created: {gt: await now()}}, {status: 'uninstalling'}]) {
    assert.deepEqual((await installs(world.SHOP_KEY).list(params)).data, []);
  }
});

test('rule 18: errors of creation', async () => {
  const own = [world.SHOP_KEY];
  const acting = [world.MAKER_KEY, world.SHOP];
  await world.install();
  const owned = {app: world.INVENTORY, channel: 'private_test'};
  const [, code_challenge] = world.challenge();
  const code_challenge_method = 'S256';
  for (const [caller, params, expected] of [
    [own, {}, invalid('parameter_missing', 'app')],
    [own, {app: ''}, invalid('parameter_invalid_empty', 'app')],
    [own, {app: 'app_x', channel: 'private_test'}, missing('app')],
    [own, {app: world.CATALOG, channel: 'private_test'}, missing('app')],
    [acting, {app: 'app_x'}, missing('app')],
    [own, {app: world.INVENTORY, channel: 'review'}, invalid(undefined, 'channel')],
    [own, {app: world.INVENTORY}, invalid(undefined, 'channel')],
    [own, {app: world.INVENTORY, channel: 'private_live'}, invalid(undefined, 'channel')],
    [acting, {app: world.CATALOG, channel: 'private_test'}, invalid(undefined, 'channel')],
    [acting, {app: world.CATALOG, channel: 'testing'}, invalid(undefined, 'channel')],
    [acting, {app: world.DRAFT}, invalid(undefined, 'channel')],
    [acting, {app: world.FOREIGN}, forbidden()],
    [[world.MAKER_KEY, world.STRANGER], {app: world.CATALOG}, forbidden('account_invalid')],
    [[world.READS_INSTALLS], owned, forbidden('more_permissions_required')],
    [[world.OAUTH_TOKEN], owned, forbidden('more_permissions_required')],
    [own, {...owned, code_challenge: 'short', code_challenge_method}, invalid(undefined, 'code_challenge')],
    [own, {...owned, code_challenge}, invalid('parameter_missing', 'code_challenge_method')],
    [own, {...owned, code_challenge_method}, invalid('parameter_missing', 'code_challenge')],
    [own, {...owned, code_challenge, code_challenge_method: 'plain'}, invalid(undefined, 'code_challenge_method')],
    [own, {...owned, foo: 'bar'}, invalid('parameter_unknown', 'foo')],
    [['sk_live_unknownUnknown1234'], owned, world.unauthenticated()],
  ]) {
    await refused(installs(...caller).create(params), expected);
  }
});

test('rules 12 and 18: errors at an install', async () => {
  const {id} = await world.install();
  await refused(installs(world.SHOP_KEY).retrieve('appinst_test_x'), missing('id'));
  for (const operation of ['retrieve', 'update', 'uninstall']) {
    await refused(installs(world.DEPOT_KEY)[operation](id), missing('id'));
    await refused(installs(world.OAUTH_TOKEN)[operation](id), forbidden('more_permissions_required'));
  }
  for (const operation of ['update', 'uninstall']) {
    await refused(installs(world.READS_INSTALLS)[operation](id), forbidden('more_permissions_required'));
    const error = await refused(installs(world.MAKER_KEY)[operation](id), forbidden());
    assert.ok(error.message.includes(`Stripe-Account: ${world.SHOP}`), error.message);
  }
});

test('rule 10.14: sixteen creates leave one install', async () => {
  await world.uninstall();
  const created = await Promise.all(Array.from({length: 16}, () => world.install()));
  assert.equal(new Set(created.map(({id}) => id)).size, 1);
  assert.deepEqual(ids(await maker().apps.installs.list({app: world.CATALOG})), [created[0].id]);
});

test('rule 10.13: a replayed create brings no code back', async () => {
  await world.uninstall();
  const create = (options) => maker().apps.installs.create({app: world.CATALOG}, options);
  const key = {idempotencyKey: randomUUID()};
  const first = await create(key);
  const replayed = await create(key);
  assert.equal(replayed.id, first.id);
  assert.notEqual(replayed.auth_code, first.auth_code);
  await client(world.MAKER_KEY).oauth.token({grant_type: 'authorization_code', code: replayed.auth_code});
  assert.equal((await create(key)).auth_code, null);
});
