// OAuth for apps through the official Node library. Everything here moves the clock by minutes only.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {test} from 'node:test';
import {advance, aim, newUser} from './server.mjs';
import * as world from './world.mjs';
import {client, forbidden, maker, missing, refused, Stripe} from './world.mjs';

const TOKEN_KEYS = ['access_token', 'livemode', 'refresh_token', 'scope', 'stripe_publishable_key', 'stripe_user_id', 'token_type'];

const oauth = (key = world.MAKER_KEY, options) => client(key, undefined, options).oauth;

/** A code, as the developer's own create answers it. */
const code = async (account = world.SHOP, params = {}) =>
  (await maker(account).apps.installs.create({app: world.CATALOG, ...params})).auth_code;

const exchange = (value, params, options) => oauth().token({grant_type: 'authorization_code', code: value, ...params}, options);

const refresh = (token, params, options) => oauth().token({grant_type: 'refresh_token', refresh_token: token, ...params}, options);

const KINDS = {
  invalid_request: 'StripeOAuthInvalidRequestError',
  invalid_grant: 'StripeInvalidGrantError',
  invalid_client: 'StripeInvalidClientError',
  invalid_scope: 'StripeInvalidScopeError',
  unsupported_grant_type: 'StripeUnsupportedGrantTypeError',
};

/** Fails unless the call is refused with this word and the library's class of it; answers the description. */
async function denied(call, word) {
  const error = await call.then(
    () => assert.fail('the server accepted it'),
    (caught) => caught,
  );
  assert.ok(error instanceof Stripe.errors.StripeError, error);
  assert.deepEqual([error.type, error.rawType, error.statusCode], [KINDS[word], word, word === 'invalid_client' ? 401 : 400], error.message);
  return error.message;
}

const list = (pair, scope) => client(pair.access_token).apps.secrets.list({scope});

const works = async (pair) => assert.deepEqual((await list(pair, newUser())).data, []);

const dead = (pair, reason) => refused(list(pair, world.ACCOUNT), world.unauthenticated(reason));

/** Loses the first `lost` answers and keeps the headers of all. */
function losing(lost) {
  const inner = Stripe.createNodeHttpClient();
  const http = {
    headers: [],
    getClientName: () => 'losing',
    async makeRequest(...request) {
      const answer = await inner.makeRequest(...request);
      http.headers.push(answer.getHeaders());
      if (http.headers.length > lost) return answer;
      // Read, so that its connection does not keep the process alive.
      await answer.toJSON();
      throw Object.assign(new Error('the answer was lost'), {code: 'ECONNRESET'});
    },
  };
  return http;
}

test('rules 15.5 and 15.6: the answer and the token', async () => {
  const pair = await exchange(await code());
  assert.deepEqual(Object.keys(pair), TOKEN_KEYS);
  assert.match(pair.access_token, /^rk_test_[A-Za-z0-9]{64}$/);
  assert.match(pair.refresh_token, /^rt_[A-Za-z0-9]{64}$/);
  const {livemode, scope, stripe_publishable_key, stripe_user_id, token_type} = pair;
  assert.deepEqual([livemode, scope, stripe_publishable_key, stripe_user_id, token_type], [false, 'stripe_apps', world.SHOP_PUBLISHABLE_KEY, world.SHOP, 'bearer']);
  const without = await exchange(await code(world.DEPOT));
  assert.deepEqual(Object.keys(without), TOKEN_KEYS.filter((key) => key !== 'stripe_publishable_key'));
  await works(pair);
});

test('rule 15.10: PKCE', async () => {
  const [code_verifier, code_challenge] = world.challenge();
  const challenged = await code(world.SHOP, {code_challenge, code_challenge_method: 'S256'});
  await denied(exchange(challenged), 'invalid_request');
  await denied(exchange(challenged, {code_verifier: 'short'}), 'invalid_request');
  await denied(exchange(challenged, {code_verifier: world.challenge()[0]}), 'invalid_grant');
  await works(await exchange(challenged, {code_verifier}));
  await denied(exchange(await code(), {code_verifier}), 'invalid_grant');
});

test('rule 15.7: rotation', async () => {
  const first = await exchange(await code());
  const second = await refresh(first.refresh_token, {scope: 'stripe_apps'});
  await works(first);
  await works(second);
  await advance('10s');
  await dead(first);
  const third = await refresh(second.refresh_token);
  await advance('1h');
  await dead(third, 'api_key_expired');
  await works(await refresh(third.refresh_token));
});

test('rule 15.8: a code used again revokes', async () => {
  const used = await code();
  const pair = await exchange(used);
  await works(pair);
  assert.equal(
    await denied(exchange(used), 'invalid_grant'),
    'This authorization code has already been used. All tokens issued with this code have been revoked.',
  );
  await dead(pair);
  await denied(refresh(pair.refresh_token), 'invalid_grant');
});

test('rule 15.8: a race harms nobody and theft revokes', async () => {
  const first = await exchange(await code());
  const second = await refresh(first.refresh_token);
  await advance('60s');
  await denied(refresh(first.refresh_token), 'invalid_grant');
  await works(second);
  const third = await refresh(second.refresh_token);
  await advance('61s');
  await denied(refresh(second.refresh_token), 'invalid_grant');
  await dead(third);
  await works(await exchange(await code()));
});

test('rule 15.8: sixteen refreshes of one token leave one living pair', async () => {
  const pair = await exchange(await code());
  const answers = await Promise.allSettled(Array.from({length: 16}, () => refresh(pair.refresh_token)));
  const won = answers.filter(({status}) => status === 'fulfilled');
  assert.equal(won.length, 1);
  for (const {reason} of answers.filter(({status}) => status === 'rejected')) assert.equal(reason.type, KINDS.invalid_grant);
  await works(won[0].value);
  await works(await refresh(won[0].value.refresh_token));
});

test('rule 15.9: a lost answer', async () => {
  const httpClient = losing(1);
  const retrying = oauth(world.MAKER_KEY, {httpClient, maxNetworkRetries: 2});
  const pair = await retrying.token({grant_type: 'authorization_code', code: await code()});
  assert.deepEqual(httpClient.headers.map((headers) => headers['idempotent-replayed']), [undefined, 'true']);
  await works(pair);

  const key = {idempotencyKey: randomUUID()};
  const unseen = await refresh(pair.refresh_token, {}, key);
  const seen = await refresh(pair.refresh_token, {}, key);
  assert.notEqual(seen.access_token, unseen.access_token);
  await works(seen);
  await denied(refresh(pair.refresh_token, {}, key), 'invalid_grant');
  await works(seen);
  await dead(unseen);
});

test('rule 15.14: every word', async () => {
  for (const [word, params] of [
    ['invalid_request', {grant_type: ''}],
    ['invalid_request', {grant_type: 'authorization_code'}],
    ['invalid_request', {grant_type: 'refresh_token'}],
    ['invalid_request', {grant_type: 'refresh_token', refresh_token: 'rt_x', foo: 'bar'}],
    ['unsupported_grant_type', {grant_type: 'client_credentials'}],
    ['invalid_grant', {grant_type: 'authorization_code', code: 'ac_x'}],
    ['invalid_grant', {grant_type: 'refresh_token', refresh_token: 'rt_x'}],
    ['invalid_scope', {grant_type: 'refresh_token', refresh_token: 'rt_x', scope: 'read_write'}],
  ]) {
    await denied(oauth().token(params), word);
  }
  const fresh = await code();
  await denied(oauth('sk_test_interop_studio').token({grant_type: 'authorization_code', code: fresh}), 'invalid_grant');
  await denied(exchange(fresh, {redirect_uri: 'https://other.example/'}), 'invalid_grant');
  await denied(exchange(fresh, {client_id: 'ca_x'}), 'invalid_client');
  await denied(exchange(fresh, {client_secret: 'sk_test_interop_studio'}), 'invalid_client');
  await works(await exchange(fresh, {client_id: world.CATALOG_CLIENT, client_secret: world.MAKER_KEY}));
  for (const [key, expected] of [
    ['sk_live_unknownUnknown1234', world.unauthenticated()],
    [world.SHOP_PUBLISHABLE_KEY, world.unauthenticated('secret_key_required')],
    [world.WRITES_INSTALLS, forbidden('more_permissions_required')],
    [world.OAUTH_TOKEN, forbidden('more_permissions_required')],
  ]) {
    await refused(oauth(key).token({grant_type: 'authorization_code', code: 'ac_x'}), expected);
  }
  const late = await code();
  await advance('5m');
  await denied(exchange(late), 'invalid_grant');
});

test('rule 15.16: deauthorization', async () => {
  const pair = await exchange(await code());
  const {id} = await world.install();
  const gone = (params) => oauth().deauthorize({client_id: world.CATALOG_CLIENT, ...params});
  await denied(gone({client_id: 'ca_x', stripe_user_id: world.SHOP}), 'invalid_client');
  await denied(gone({stripe_user_id: ''}), 'invalid_request');
  const unconnected = await denied(gone({stripe_user_id: world.STRANGER}), 'invalid_client');
  assert.ok(unconnected.includes(`not connected to stripe account ${world.STRANGER}`), unconnected);
  assert.deepEqual({...(await gone({stripe_user_id: world.SHOP}))}, {stripe_user_id: world.SHOP});
  await refused(maker().apps.installs.retrieve(id), missing('id'));
  await denied(refresh(pair.refresh_token), 'invalid_grant');
  await refused(list(pair, world.ACCOUNT), forbidden('account_invalid'));
  // 14.4: a reinstall does not revive it.
  assert.notEqual((await world.install()).id, id);
  await refused(list(pair, world.ACCOUNT), forbidden('account_invalid'));
});

test('rule 15.11: authorizeUrl leads to a page', async () => {
  // The library makes it of the host alone, as https without a port.
  const visit = (params) => {
    const url = new URL(oauth().authorizeUrl({client_id: world.CATALOG_CLIENT, ...params}));
    const {protocol, host, port} = aim();
    assert.deepEqual([url.protocol, url.host], ['https:', host]);
    return fetch(`${protocol}://${host}:${port}${url.pathname}${url.search}`, {redirect: 'manual'});
  };
  const page = await visit({redirect_uri: world.CATALOG_CALLBACK, state: 'é &=?'});
  assert.equal(page.status, 200);
  assert.ok((await page.text()).includes('Catalog'));
  for (const params of [{client_id: 'ca_x'}, {redirect_uri: 'https://other.example/'}]) assert.equal((await visit(params)).status, 400);
});
