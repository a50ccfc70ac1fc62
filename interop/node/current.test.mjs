// The current official Node library, unchanged but for its host, port and protocol.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {Agent} from 'node:https';
import {test} from 'node:test';
import {advance, aim, caFile, load, newUser, now} from './server.mjs';

const Stripe = load('stripe');

const DEVELOPER_KEY = 'sk_test_interop_node';
const MERCHANT = 'acct_nodeMerchant';
const STRANGER = 'acct_stranger';
const OAUTH_TOKEN = 'sk_test_oauth_node';
const RESTRICTED_KEY = 'rk_test_write_node';
const READ_KEY = 'rk_test_read_node';
const EXPIRING_KEY = 'ek_test_short_node';

const ACCOUNT = {type: 'account'};

function client(key = DEVELOPER_KEY, options = {stripeAccount: MERCHANT}) {
  return new Stripe(key, {...aim(), telemetry: false, ...options});
}

async function refused(call, expected) {
  const error = await call.then(
    () => assert.fail('the server accepted it'),
    (caught) => caught,
  );
  const {type, statusCode, rawType, code, param} = error;
  assert.deepEqual({type, statusCode, rawType, code, param}, {rawType: 'invalid_request_error', code: undefined, param: undefined, ...expected});
  assert.match(error.requestId, /^req_[A-Za-z0-9]{14}$/);
  return error;
}

const invalid = (code, param) => ({type: 'StripeInvalidRequestError', statusCode: 400, code, param});
const missing = {type: 'StripeInvalidRequestError', statusCode: 404, code: 'resource_missing', param: 'name'};

async function fill(stripe, scope, count = 10) {
  const names = Array.from({length: count}, (_, index) => `name_${index}`);
  for (const name of names) await stripe.apps.secrets.create({name, payload: `payload of ${name}`, scope});
  return names.reverse();
}

/** Counts what is sent, and loses the first `lost` answers. */
function counting(lost = 0) {
  const inner = Stripe.createNodeHttpClient();
  const http = {
    attempts: 0,
    getClientName: () => 'counting',
    async makeRequest(...request) {
      const answer = await inner.makeRequest(...request);
      http.attempts += 1;
      if (http.attempts > lost) return answer;
      // Read, so that its connection does not keep the process alive.
      await answer.toJSON();
      throw Object.assign(new Error('the answer was lost'), {code: 'ECONNRESET'});
    },
  };
  return http;
}

test('rule 1: the four operations in the account scope', async () => {
  const {secrets} = client().apps;
  const name = `account_${randomUUID()}`;
  const created = await secrets.create({name, payload: 'v1', scope: ACCOUNT});
  assert.match(created.id, /^appsecret_[A-Za-z0-9]{30}$/);
  assert.deepEqual(Object.keys(created), ['id', 'object', 'created', 'expires_at', 'livemode', 'name', 'scope']);
  assert.deepEqual([created.object, created.expires_at, created.livemode, created.scope], ['apps.secret', null, false, ACCOUNT]);
  const found = await secrets.find({name, scope: ACCOUNT, expand: ['payload']});
  assert.deepEqual([found.id, found.payload], [created.id, 'v1']);
  const listed = await secrets.list({scope: ACCOUNT});
  assert.equal(listed.url, '/v1/apps/secrets');
  assert.ok(listed.data.some(({id}) => id === created.id));
  const deleted = await secrets.deleteWhere({name, scope: ACCOUNT});
  assert.deepEqual([deleted.id, deleted.deleted], [created.id, true]);
  await refused(secrets.find({name, scope: ACCOUNT}), missing);
});

test('rule 4.6: the four operations in a user scope', async () => {
  const {secrets} = client().apps;
  const scope = newUser();
  const created = await secrets.create({name: 'token', payload: 'v1', scope});
  assert.deepEqual(created.scope, scope);
  const found = await secrets.find({name: 'token', scope, expand: ['payload']});
  assert.deepEqual([found.id, found.payload], [created.id, 'v1']);
  assert.deepEqual((await secrets.list({scope})).data.map(({id}) => id), [created.id]);
  assert.deepEqual((await secrets.list({scope: newUser()})).data, []);
  assert.equal((await secrets.deleteWhere({name: 'token', scope})).deleted, true);
  await refused(secrets.deleteWhere({name: 'token', scope}), missing);
});

test('rules 4.1 and 4.2: replace and the limit', async () => {
  const stripe = client();
  const {secrets} = stripe.apps;
  const scope = newUser();
  const expires_at = (await now()) + 1_000_000;
  await fill(stripe, scope, 9);
  const first = await secrets.create({name: 'x', payload: 'v1', scope, expires_at});
  assert.equal(first.expires_at, expires_at);
  const second = await secrets.create({name: 'x', payload: 'v2', scope, expand: ['payload']});
  assert.deepEqual([second.id, second.created, second.payload, second.expires_at], [first.id, first.created, 'v2', null]);
  await refused(secrets.create({name: 'y', payload: 'v', scope}), invalid(undefined, 'name'));
});

test('rule 4.7: pages and auto-paging, forwards and backwards', async () => {
  const stripe = client();
  const {secrets} = stripe.apps;
  const scope = newUser();
  const names = await fill(stripe, scope);
  const page = await secrets.list({scope, limit: 3});
  assert.deepEqual([page.data.map(({name}) => name), page.has_more], [names.slice(0, 3), true]);
  const forwards = await secrets.list({scope, limit: 3}).autoPagingToArray({limit: 100});
  assert.deepEqual(forwards.map(({name}) => name), names);
  const backwards = [];
  for await (const {name} of secrets.list({scope, limit: 3, ending_before: forwards.at(-1).id})) backwards.push(name);
  assert.deepEqual(backwards, names.slice(0, 9).reverse());
  await refused(secrets.list({scope, starting_after: 'appsecret_x'}), invalid('resource_missing', 'starting_after'));
});

test('rule 4.8: expansion', async () => {
  const stripe = client();
  const {secrets} = stripe.apps;
  const scope = newUser();
  const names = await fill(stripe, scope, 2);
  const page = await secrets.list({scope, expand: ['data.payload']});
  assert.deepEqual(page.data.map(({payload}) => payload), names.map((name) => `payload of ${name}`));
  assert.ok(!('payload' in (await secrets.list({scope})).data[0]));
  const deleted = await secrets.deleteWhere({name: names[0], scope, expand: ['payload']});
  assert.equal(deleted.payload, `payload of ${names[0]}`);
  await refused(secrets.find({name: names[1], scope, expand: ['foo']}), invalid());
});

test('rule 6: errors by class', async () => {
  const scope = newUser();
  const find = {name: 'x', scope};
  const unknown = {type: 'StripeAuthenticationError', statusCode: 401};
  const error = await refused(client('sk_live_unknownUnknown1234').apps.secrets.find(find), unknown);
  assert.equal(error.message, 'Invalid API Key provided: sk_live_****1234');
  await refused(client('pk_test_anything').apps.secrets.find(find), {...unknown, code: 'secret_key_required'});
  const forbidden = {type: 'StripePermissionError', statusCode: 403};
  const stranger = client(DEVELOPER_KEY, {stripeAccount: STRANGER});
  await refused(stranger.apps.secrets.find(find), {...forbidden, code: 'account_invalid'});
  const reader = client(READ_KEY, {});
  assert.deepEqual((await reader.apps.secrets.list({scope})).data, []);
  await refused(reader.apps.secrets.create({...find, payload: 'y'}), {...forbidden, code: 'more_permissions_required'});
  for (const [params, code, param] of [
    [{name: 'x', scope}, 'parameter_missing', 'payload'],
    [{name: '', payload: 'y', scope}, 'parameter_invalid_empty', 'name'],
    [{name: 'x', payload: 'y', scope: {type: 'team'}}, undefined, 'scope[type]'],
    [{name: 'x', payload: 'y', scope: {type: 'user'}}, 'parameter_missing', 'scope[user]'],
    [{name: 'x', payload: 'y', scope, foo: 'bar'}, 'parameter_unknown', 'foo'],
    [{name: 'x', payload: 'y', scope, expires_at: null}, 'parameter_invalid_empty', 'expires_at'],
    [{name: 'x', payload: 'y', scope, expires_at: 'soon'}, 'parameter_invalid_integer', 'expires_at'],
    [{name: 'x', payload: 'y', scope, expires_at: 1}, undefined, 'expires_at'],
  ]) {
    await refused(client().apps.secrets.create(params), invalid(code, param));
  }
});

test('rule 7.4: idempotency', async () => {
  const {secrets} = client().apps;
  const scope = newUser();
  const idempotencyKey = randomUUID();
  const first = await secrets.create({name: 'x', payload: 'v1', scope}, {idempotencyKey});
  const replayed = await secrets.create({name: 'x', payload: 'v1', scope}, {idempotencyKey});
  assert.equal(replayed.id, first.id);
  const {headers} = await rawPost(idempotencyKey, scope);
  assert.equal(headers['idempotent-replayed'], 'true');
  assert.equal(headers['original-request'], first.lastResponse.requestId);
  const other = secrets.create({name: 'x', payload: 'v2', scope}, {idempotencyKey});
  await refused(other, {type: 'StripeIdempotencyError', statusCode: 400, rawType: 'idempotency_error'});
});

async function rawPost(idempotencyKey, scope) {
  const answer = await client().rawRequest('POST', '/v1/apps/secrets', {name: 'x', payload: 'v1', scope}, {idempotencyKey});
  return answer.lastResponse;
}

test('rule 7.5: a refusal is tried once', async () => {
  const httpClient = counting();
  const stripe = client(DEVELOPER_KEY, {stripeAccount: MERCHANT, httpClient, maxNetworkRetries: 3});
  const error = await refused(stripe.apps.secrets.deleteWhere({name: 'x', scope: newUser()}), missing);
  assert.equal(error.headers['stripe-should-retry'], 'false');
  assert.equal(httpClient.attempts, 1);
});

test('rule 7.4: an answer lost on the way is replayed to the retry', async () => {
  const httpClient = counting(1);
  const stripe = client(DEVELOPER_KEY, {stripeAccount: MERCHANT, httpClient});
  const scope = newUser();
  const created = await stripe.apps.secrets.create({name: 'x', payload: 'v', scope});
  assert.equal(httpClient.attempts, 2);
  assert.deepEqual((await client().apps.secrets.list({scope})).data.map(({id}) => id), [created.id]);
});

test('rules 5.2 and 5.10: accounts by header and by context', async () => {
  const plain = client(DEVELOPER_KEY, {}).apps.secrets;
  const scope = newUser();
  const created = await plain.create({name: 'x', payload: 'v', scope}, {stripeAccount: MERCHANT});
  assert.equal(created.lastResponse.stripeAccount, MERCHANT);
  assert.equal((await plain.find({name: 'x', scope}, {stripeContext: MERCHANT})).id, created.id);
  await refused(plain.find({name: 'x', scope}), missing);
});

test('rules 5.3 and 5.4: tokens that are the key itself', async () => {
  const scope = newUser();
  const created = await client().apps.secrets.create({name: 'x', payload: 'v', scope});
  for (const key of [OAUTH_TOKEN, RESTRICTED_KEY]) {
    assert.equal((await client(key, {}).apps.secrets.find({name: 'x', scope})).id, created.id);
    assert.equal((await client(key).apps.secrets.find({name: 'x', scope})).id, created.id);
    const other = client(key, {stripeAccount: STRANGER}).apps.secrets.find({name: 'x', scope});
    await refused(other, {type: 'StripePermissionError', statusCode: 403, code: 'account_invalid'});
  }
});

test('rules 3.5 and 3.7: any Unicode', async () => {
  const {secrets} = client().apps;
  const scope = newUser();
  for (const [name, payload] of [
    ['ключ 🔑 & key=1+1%20', 'päylöad\r\n\t"\\/<>& ='],
    ['null', 'null'],
    ['longest', '🔐'.repeat(5000)],
  ]) {
    await secrets.create({name, payload, scope});
    const found = await secrets.find({name, scope, expand: ['payload']});
    assert.deepEqual([found.name, found.payload], [name, payload]);
  }
  const error = await refused(secrets.create({name: 'longer', payload: '🔐'.repeat(5001), scope}), invalid(undefined, 'payload'));
  assert.ok(!error.message.includes('🔐'));
});

test('rules 7.6 and 8.1: the same over TLS', async () => {
  const httpAgent = new Agent({ca: readFileSync(caFile)});
  const {secrets} = client(DEVELOPER_KEY, {stripeAccount: MERCHANT, ...aim(true), httpAgent}).apps;
  const scope = newUser();
  const created = await secrets.create({name: 'x', payload: 'v', scope});
  assert.equal((await secrets.find({name: 'x', scope})).id, created.id);
  httpAgent.destroy();
});

test('rule 4.4: expiry', async () => {
  const {secrets} = client().apps;
  const scope = newUser();
  const expires_at = (await now()) + 3600;
  const created = await secrets.create({name: 'x', payload: 'v', scope, expires_at});
  assert.equal((await secrets.find({name: 'x', scope})).expires_at, expires_at);
  await advance('2h');
  await refused(secrets.find({name: 'x', scope}), missing);
  assert.deepEqual((await secrets.list({scope})).data, []);
  assert.notEqual((await secrets.create({name: 'x', payload: 'v', scope})).id, created.id);
  const expired = client(EXPIRING_KEY, {}).apps.secrets.find({name: 'x', scope: ACCOUNT});
  await refused(expired, {type: 'StripeAuthenticationError', statusCode: 401, code: 'api_key_expired'});
});
