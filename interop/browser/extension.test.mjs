// The published UI-extension SDK with the official library, unchanged but for their host, in a sandboxed frame of headless Chromium.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {after, before, test} from 'node:test';
import {launch} from './chromium.mjs';
import {serveBackend, servePages} from './pages.mjs';
import {advance, caFile, host, MERCHANT, now, port, sessionKey, STRANGER} from './server.mjs';

const ACCOUNT = {type: 'account'};
const USER = {type: 'user', user: 'usr_1'};
const OTHER_USER = {type: 'user', user: 'usr_2'};
const KEY = sessionKey('usr_1');
const SIGNATURE_PATH = '/v1/apps/app_embedded_backend_signature';

let pages;
let backend;
let chromium;
let current;
let legacy;

before(async () => {
  [pages, backend] = await Promise.all([servePages(), serveBackend()]);
  chromium = await launch({caFiles: [caFile], resolverRules: `MAP localhost:443 127.0.0.1:${port}`});
  current = await chromium.open(`${pages.origin}/host.html?extension=current`);
  legacy = await chromium.open(`${pages.origin}/host.html?extension=legacy`);
});

after(async () => {
  await chromium?.close();
  pages?.close();
  backend?.close();
});

/** Has the extension do something in the session of `key`; answers what it came to. */
async function done(operation, parameters, {page = current, key = KEY} = {}) {
  const outcome = await page.call('run', key, operation, ...parameters);
  assert.equal(outcome.error, undefined);
  return outcome;
}

const value = async (...call) => (await done(...call)).value;

/** The same for what is refused: with the library's class for the status, and tried once. */
async function refused(operation, parameters, expected, {page = current, key = KEY} = {}) {
  const {error, keysAsked} = await page.call('run', key, operation, ...parameters);
  assert.ok(error, 'the server accepted it');
  const {type, statusCode, rawType, code, param} = error;
  assert.deepEqual({type, statusCode, rawType, code, param}, {rawType: 'invalid_request_error', code: undefined, param: undefined, ...expected});
  assert.ok(error.isOfItsClass);
  assert.match(error.requestId, /^req_[A-Za-z0-9]{14}$/);
  assert.equal(keysAsked, 1);
  return error;
}

const invalid = (code, param) => ({type: 'StripeInvalidRequestError', statusCode: 400, code, param});
const forbidden = (code) => ({type: 'StripePermissionError', statusCode: 403, code});
const missing = {type: 'StripeInvalidRequestError', statusCode: 404, code: 'resource_missing', param: 'name'};

test('rules 7.3 and 8.1: without an origin, with a key and a preflight for every call', async () => {
  assert.equal(await value('origin', []), 'null');
  await current.requests();
  for (let call = 0; call < 2; call += 1) {
    assert.equal((await done('list', [{scope: USER}])).keysAsked, 1);
    const target = `https://${host}/v1/apps/secrets?scope[type]=user&scope[user]=usr_1`;
    assert.deepEqual((await current.requests()).sort(), [`GET ${target}`, `OPTIONS ${target}`]);
  }
});

for (const scope of [ACCOUNT, USER]) {
  test(`rules 1 and 5.5: the calls of the secret-store example, scope ${scope.type}`, async () => {
    const name = `name ${randomUUID()}`;
    const expires_at = (await now()) + 1_000_000;
    const created = await value('create', [{scope, name, payload: 'payload of it', expires_at}]);
    assert.match(created.id, /^appsecret_[A-Za-z0-9]{30}$/);
    assert.deepEqual([created.name, created.scope, created.expires_at, created.payload], [name, scope, expires_at, undefined]);
    const found = await value('find', [{scope, name, expand: ['payload']}]);
    assert.deepEqual([found.id, found.payload], [created.id, 'payload of it']);
    const replaced = await value('create', [{scope, name, payload: 'payload of it, 🔐'}]);
    assert.deepEqual([replaced.id, replaced.expires_at], [created.id, null]);
    assert.equal((await value('find', [{scope, name, expand: ['payload']}])).payload, 'payload of it, 🔐');
    assert.deepEqual((await value('list', [{scope}])).data.map(({id}) => id), [created.id]);
    const deleted = await value('deleteWhere', [{scope, name}]);
    assert.deepEqual([deleted.id, deleted.deleted], [created.id, true]);
    assert.deepEqual((await value('list', [{scope}])).data, []);
  });
}

test('rules 4.2 and 4.7: a full scope and all its pages', async () => {
  const names = Array.from({length: 10}, (_, index) => `name_${index}`);
  for (const name of names) await value('create', [{scope: USER, name, payload: `payload of ${name}`}]);
  await refused('create', [{scope: USER, name: 'one_more', payload: 'payload of it'}], invalid(undefined, 'name'));
  const listed = await value('listAll', [{scope: USER, limit: 3}]);
  assert.deepEqual(listed.map(({name}) => name), [...names].reverse());
  for (const name of names) await value('deleteWhere', [{scope: USER, name}]);
});

test('rules 3.2 and 4.4: the OAuth token of the PKCE example', async () => {
  const query = 'scope[type]=user&scope[user]=usr_1&name=dropbox_token';
  const token = {access_token: 'payload of a token', account_id: 'dbid:1', expires_in: 14_400, scope: 'account_info.read', token_type: 'bearer', uid: '1'};
  const expires_at = (await now()) + token.expires_in;
  const find = ['GET', `/v1/apps/secrets/find?${query}&expand[]=payload`];
  await refused('request', find, missing);
  const created = await value('request', ['POST', `/v1/apps/secrets?${query}`, {payload: JSON.stringify(token), expires_at}]);
  assert.deepEqual([created.name, created.scope, created.expires_at], ['dropbox_token', USER, expires_at]);
  const found = await value('request', find);
  assert.deepEqual([found.id, JSON.parse(found.payload), found.expires_at], [created.id, token, expires_at]);
  // It logs out by storing null.
  await value('request', ['POST', `/v1/apps/secrets?${query}`, {payload: JSON.stringify(null)}]);
  assert.equal(JSON.parse((await value('request', find)).payload), null);
  assert.equal((await value('request', ['POST', `/v1/apps/secrets/delete?${query}`])).deleted, true);
  await refused('request', find, missing);
});

test('stripe-8, rule 3.2: the OAuth token of the PKCE example', async () => {
  const query = 'scope[type]=user&scope[user]=usr_1&name=dropbox_token';
  const token = {access_token: 'payload of a token', expires_in: 14_400, token_type: 'bearer'};
  const find = ['GET', `apps/secrets/find?${query}&expand[]=payload`, {}];
  const page = legacy;
  await value('request', ['POST', `apps/secrets?${query}`, {payload: JSON.stringify(token)}], {page});
  assert.deepEqual(JSON.parse((await value('request', find, {page})).payload), token);
  assert.equal((await value('request', ['POST', `apps/secrets/delete?${query}`, {}], {page})).deleted, true);
  await refused('request', find, missing, {page});
});

test('stripe-8, rule 1: the declared resource of the secret-store example', async () => {
  const page = legacy;
  const scope = {'scope[user]': 'usr_1', 'scope[type]': 'user'};
  const created = await value('set', [{...scope, name: 'x', payload: 'payload of x'}], {page});
  const found = await value('find', [{...scope, name: 'x', 'expand[]': 'payload'}], {page});
  assert.deepEqual([found.id, found.payload], [created.id, 'payload of x']);
  assert.deepEqual((await value('list', [scope], {page})).data.map(({id}) => id), [created.id]);
  assert.equal((await value('delete', [{...scope, name: 'x'}], {page})).deleted, true);
  await refused('find', [{...scope, name: 'x'}], missing, {page});
});

test('the SDK\'s own fetch', async () => {
  const answer = await value('apiFetch', ['/v1/apps/secrets?scope[type]=user&scope[user]=usr_1']);
  assert.deepEqual([answer.status, answer.ok, answer.json.object, answer.json.data], [200, true, 'list', []]);
});

test('rule 5.7: another user\'s secrets', async () => {
  const params = {scope: OTHER_USER, name: 'x'};
  const key = sessionKey('usr_2');
  await value('create', [{...params, payload: 'payload of x'}], {key});
  await refused('create', [{...params, payload: 'payload of y'}], forbidden());
  await refused('find', [params], missing);
  await refused('deleteWhere', [params], missing);
  assert.deepEqual((await value('list', [{scope: OTHER_USER}])).data, []);
  assert.equal((await value('find', [{...params, expand: ['payload']}], {key})).payload, 'payload of x');
  assert.equal((await value('deleteWhere', [params], {key})).deleted, true);
});

test('rule 5.5: users share the account scope', async () => {
  const params = {scope: ACCOUNT, name: 'shared'};
  const created = await value('create', [{...params, payload: 'payload of it'}]);
  assert.equal((await value('deleteWhere', [params], {key: sessionKey('usr_2')})).id, created.id);
});

test('rule 6: errors by class', async () => {
  const params = {scope: USER, name: 'x'};
  await refused('find', [params], missing);
  await refused('deleteWhere', [params], missing);
  const unknown = {type: 'StripeAuthenticationError', statusCode: 401};
  await refused('find', [params], unknown, {key: 'ek_test_unknownUnknown1234'});
  const reader = {key: sessionKey('usr_reader')};
  assert.deepEqual((await value('list', [{scope: ACCOUNT}], reader)).data, []);
  await refused('create', [{scope: ACCOUNT, name: 'x', payload: 'y'}], forbidden('more_permissions_required'), reader);
  for (const [changed, code, param] of [
    [{payload: undefined}, 'parameter_missing', 'payload'],
    [{name: ''}, 'parameter_invalid_empty', 'name'],
    [{scope: {type: 'team'}}, undefined, 'scope[type]'],
    [{scope: {type: 'user'}}, 'parameter_missing', 'scope[user]'],
    [{foo: 'bar'}, 'parameter_unknown', 'foo'],
    [{expires_at: 1}, undefined, 'expires_at'],
    [{payload: '🔐'.repeat(5001)}, undefined, 'payload'],
  ]) {
    await refused('create', [{...params, payload: 'y', ...changed}], invalid(code, param));
  }
  await refused('request', ['GET', '/v1/apps/nothing'], {type: 'StripeInvalidRequestError', statusCode: 404});
});

test('rules 5.8 and 6.24: the account of the session and no other', async () => {
  const list = [{scope: USER}];
  assert.deepEqual((await value('list', [...list, {stripeAccount: MERCHANT}])).data, []);
  await refused('list', [...list, {stripeAccount: STRANGER}], forbidden('account_invalid'));
});

test('rules 7.3, 7.4 and 9.1: headers that an extension sends and reads', async () => {
  const params = {scope: USER, name: 'x', payload: 'payload of x'};
  const idempotencyKey = randomUUID();
  const first = await done('create', [params, {idempotencyKey}]);
  assert.match(first.headers['request-id'], /^req_[A-Za-z0-9]{14}$/);
  const replayed = await done('create', [params, {idempotencyKey}]);
  assert.deepEqual([first.headers['idempotent-replayed'], replayed.headers['idempotent-replayed']], [undefined, 'true']);
  assert.equal(replayed.headers['idempotency-key'], idempotencyKey);
  assert.equal(replayed.headers['original-request'], first.headers['request-id']);
  assert.equal(replayed.headers['stripe-should-retry'], 'false');
  const reused = {type: 'StripeIdempotencyError', statusCode: 400, rawType: 'idempotency_error'};
  await refused('create', [{...params, payload: 'payload of y'}, {idempotencyKey}], reused);
  const remove = (etag) => [
    'POST', '/v1/apps/secrets/delete', {scope: USER, name: 'x'}, {additionalHeaders: {'If-Match': etag}},
  ];
  await refused('request', remove('"another"'), {type: 'StripeAPIError', statusCode: 412});
  assert.equal((await value('request', remove(first.headers.etag))).deleted, true);
});

test('rule 8.2: the backend verifies the signature with the official helpers', async () => {
  const identity = `{"user_id":"usr_1","account_id":"${MERCHANT}"`;
  const accepted = {origin: 'null', node: true, python: true};
  const rejected = {origin: 'null', node: false, python: false};
  for (const [payload, body, expected] of [
    ['{}', `${identity}}`, accepted],
    ['{"secret":"päylöad \\u0041","amount":1e+21}', `${identity},"secret":"päylöad \\u0041","amount":1e+21}`, accepted],
    ['{}', `${identity.replace('usr_1', 'usr_2')}}`, rejected],
    ['{"amount":1}', `${identity},"amount":2}`, rejected],
  ]) {
    assert.deepEqual(await value('callBackend', [backend.origin, payload, body]), expected, body);
  }
});

test('rule 8.2: what cannot be signed', async () => {
  const signature = (payload) => ['GET', `${SIGNATURE_PATH}?payload=${encodeURIComponent(payload)}&include_only[]=signature`];
  for (const payload of ['', '[]', '{"user_id":"usr_2"}', '{"a":1,"a":2}']) {
    const {error} = await current.call('run', KEY, 'request', ...signature(payload));
    assert.deepEqual([error.type, error.statusCode, error.param], ['StripeInvalidRequestError', 400, 'payload'], payload);
  }
});

test('rule 8.3: fetchStripeSignature() calls port 443, whatever port it is given', async () => {
  await current.requests();
  // Only the browser's resolver knows that this port 443 is the server's.
  const signature = await value('fetchStripeSignature', [{host: 'localhost', port: 12112}, {}]);
  assert.match(signature, /^t=\d+,v1=[0-9a-f]{64}$/);
  const target = `https://localhost${SIGNATURE_PATH}?payload=%7B%7D&include_only%5B%5D=signature`;
  assert.deepEqual((await current.requests()).sort(), [`GET ${target}`, `OPTIONS ${target}`]);
});

test('rule 8.1: without the authority there is no connection', async (t) => {
  const distrustful = await launch({caFiles: []});
  t.after(distrustful.close);
  const page = await distrustful.open(`${pages.origin}/host.html?extension=current`);
  const {error, keysAsked} = await page.call('run', KEY, 'list', {scope: USER});
  assert.equal(error.type, 'StripeConnectionError');
  // The library tries again, and the SDK asks for a key every time.
  assert.equal(keysAsked, 3);
});

test('rule 6.3: a session that has ended', async () => {
  await advance('2h');
  const expired = {type: 'StripeAuthenticationError', statusCode: 401, code: 'api_key_expired'};
  await refused('find', [{scope: ACCOUNT, name: 'x'}], expired, {key: sessionKey('usr_short')});
  await value('list', [{scope: USER}]);
});
