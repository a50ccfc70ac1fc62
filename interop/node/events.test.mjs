// Webhooks of a whole life of an install, and the signature of an install link, verified by the official Node library.
import assert from 'node:assert/strict';
import {EventEmitter, once} from 'node:events';
import {createServer} from 'node:http';
import {after, before, test} from 'node:test';
import {admin, advance} from './server.mjs';
import * as world from './world.mjs';
import {client, maker, Stripe} from './world.mjs';

const SECRETS = {'/maker': 'whsec_interop_maker', '/depot': 'whsec_interop_depot'};
const BOTH = ['/depot', '/maker'];
// How long a delivery may take to come; a server that delivers none fails the suite then.
const ARRIVAL_MILLISECONDS_MAX = 20_000;

const deliveries = [];
const arrivals = new EventEmitter();
const receiver = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  deliveries.push({path: request.url, signature: request.headers['stripe-signature'], body: Buffer.concat(chunks)});
  response.end();
  arrivals.emit('delivery');
});

before(async () => {
  receiver.listen(12119, '127.0.0.1');
  await once(receiver, 'listening');
});

after(() => {
  receiver.close();
  receiver.closeAllConnections?.();
});

/** The first `count` deliveries of which `isWanted(event)` holds, each verified; altered ones are refused. */
async function told(isWanted, count) {
  const signal = AbortSignal.timeout(ARRIVAL_MILLISECONDS_MAX);
  const found = () => deliveries.filter(({body}) => isWanted(JSON.parse(body)));
  while (found().length < count) await once(arrivals, 'delivery', {signal});
  return found().map(({path, signature, body}) => {
    const {webhooks} = client(world.MAKER_KEY);
    for (const [altered, secret] of [[`${body} `, SECRETS[path]], [body, 'whsec_other']]) {
      assert.throws(() => webhooks.constructEvent(altered, signature, secret), Stripe.errors.StripeSignatureVerificationError);
    }
    return {path, event: webhooks.constructEvent(body, signature, SECRETS[path])};
  });
}

async function ofInstall(id, type, paths) {
  const arrived = await told((event) => event.type === type && event.data.object.id === id, paths.length);
  assert.deepEqual(arrived.map(({path}) => path).sort(), paths);
  return Object.fromEntries(arrived.map(({path, event}) => [path, event]));
}

async function ofApplication(account, type, since) {
  const arrived = await told((event) => event.type === type && event.account === account && event.created >= since, 1);
  assert.deepEqual(arrived.map(({path}) => path), ['/maker']);
  assert.deepEqual(arrived[0].event.data.object, {id: world.CATALOG_CLIENT, object: 'application', name: 'Catalog'});
}

test('rule 17: the life of an install', async () => {
  // What is told of other suites is not taken for what this one waits for.
  await world.uninstall(world.DEPOT);
  const since = await advance('1s');
  const created = await world.install(world.DEPOT);
  const news = await ofInstall(created.id, 'apps.install.created', BOTH);
  assert.notEqual(news['/maker'].id, news['/depot'].id);
  for (const [path, account] of [['/maker', world.DEPOT], ['/depot', undefined]]) {
    const event = news[path];
    assert.deepEqual(event.data.object, {...created, auth_code: null});
    assert.deepEqual([event.object, event.account, event.livemode], ['event', account, false]);
    assert.match(event.id, /^evt_[A-Za-z0-9]{24}$/);
  }
  assert.equal(news['/maker'].request.id, created.lastResponse.requestId);
  assert.deepEqual(news['/depot'].request, {id: null, idempotency_key: null});
  await ofApplication(world.DEPOT, 'account.application.authorized', since);

  const gone = await maker(world.DEPOT).apps.installs.uninstall(created.id);
  const last = await ofInstall(created.id, 'apps.install.deleted', BOTH);
  for (const path of BOTH) assert.deepEqual(last[path].data.object, {...gone});
  await ofApplication(world.DEPOT, 'account.application.deauthorized', since);
});

test('rule 17.2: an update tells what changed', async () => {
  const {installs} = client('sk_test_interop_branch_4').apps;
  const [pending] = (await installs.list()).data;
  const granted = await installs.update(pending.id);
  // Nothing changes, so nothing is told.
  await installs.update(pending.id);
  const {data} = (await ofInstall(granted.id, 'apps.install.updated', ['/maker']))['/maker'];
  assert.deepEqual(data.object, {...granted});
  const {permissions_granted, permissions_pending, approval_required, status} = data.previous_attributes;
  assert.deepEqual([permissions_granted, permissions_pending, approval_required, status], [[], ['event_read', 'secret_write'], true, undefined]);
});

test('rules 15.12 and 15.13: the signature of an install link', async () => {
  const {signature} = client(world.MAKER_KEY).webhooks;
  for (const state of ['é "&=?\\', undefined]) {
    const asked = {app: 'com.example.desk', account: world.SHOP, user: 'usr_1', mode: 'test', state};
    const shown = await admin('/v1/authorizations', {...asked, decision: 'preview'});
    assert.deepEqual([shown.name, shown.permissions.map(({permission}) => permission)], ['Desk', ['secret_write']]);
    const {install, redirect_to} = await admin('/v1/authorizations', {...asked, decision: 'allow'});
    assert.deepEqual([install.account, install.status], [world.SHOP, 'installed']);
    const {install_signature, ...query} = Object.fromEntries(new URL(redirect_to).searchParams);
    assert.deepEqual(query, {from: 'link', user_id: 'usr_1', account_id: world.SHOP, livemode: 'false', ...(state && {state})});
    const signed = JSON.stringify({state, user_id: 'usr_1', account_id: world.SHOP});
    assert.ok(signature.verifyHeader(signed, install_signature, 'absec_interop_desk', 300));
    assert.throws(() => signature.verifyHeader(signed, install_signature, 'absec_other', 300), Stripe.errors.StripeSignatureVerificationError);
    const denied = new URL((await admin('/v1/authorizations', {...asked, decision: 'deny'})).redirect_to);
    assert.equal(denied.searchParams.get('error'), 'access_denied');
  }
});
