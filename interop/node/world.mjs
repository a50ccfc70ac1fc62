// Those of platform.toml who install, by heart, and the library aimed at the server for each of them.
import assert from 'node:assert/strict';
import {createHash, randomBytes, randomUUID} from 'node:crypto';
import {aim, load} from './server.mjs';

export const Stripe = load('stripe');

export const MAKER_KEY = 'sk_test_interop_maker';
export const SHOP = 'acct_shop';
export const SHOP_KEY = 'sk_test_interop_shop';
export const SHOP_PUBLISHABLE_KEY = 'pk_test_interop_shop';
export const DEPOT = 'acct_depot';
export const DEPOT_KEY = 'sk_test_interop_depot';
export const STRANGER = 'acct_stranger';
export const READS_INSTALLS = 'rk_test_reads_installs';
export const WRITES_INSTALLS = 'rk_test_writes_installs';
/** A credential of an app. */
export const OAUTH_TOKEN = 'sk_test_oauth_node';

export const CATALOG = 'com.example.catalog';
export const CATALOG_ID = 'app_catalogCatalogCatalogCatalog0001';
export const CATALOG_CLIENT = 'ca_catalogCatalogCatalogCatalog0001';
export const CATALOG_CALLBACK = 'https://catalog.example/callback';
/** The shop's own. */
export const INVENTORY = 'com.example.inventory';
/** The maker's, installed nowhere. */
export const DRAFT = 'com.example.draft';
/** Of another developer than the maker. */
export const FOREIGN = 'com.example.node';

export const ACCOUNT = {type: 'account'};

export function client(key, stripeAccount, options = {}) {
  return new Stripe(key, {...aim(), telemetry: false, ...(stripeAccount && {stripeAccount}), ...options});
}

/** The maker's backend, acting on an account that it is connected to or that has its app. */
export const maker = (account = SHOP) => client(MAKER_KEY, account);

/** The maker's app on an account connected to it: put there, or found there. */
export const install = (account = SHOP) => maker(account).apps.installs.create({app: CATALOG});

/** Uninstalled by its developer, which leaves the connection. */
export const uninstall = async (account = SHOP) => maker(account).apps.installs.uninstall((await install(account)).id);

/** A verifier and its challenge. */
export function challenge() {
  const verifier = randomBytes(48).toString('base64url');
  return [verifier, createHash('sha256').update(verifier).digest('base64url')];
}

export const newName = () => `name_${randomUUID()}`;

/** Fails unless the call is refused with exactly what is expected; answers the error. */
export async function refused(call, expected) {
  const error = await call.then(
    () => assert.fail('the server accepted it'),
    (caught) => caught,
  );
  const {type, statusCode, rawType, code, param} = error;
  const all = {rawType: 'invalid_request_error', code: undefined, param: undefined, ...expected};
  assert.deepEqual({type, statusCode, rawType, code, param}, all, error.message);
  assert.match(error.requestId, /^req_[A-Za-z0-9]{14}$/);
  return error;
}

export const invalid = (code, param) => ({type: 'StripeInvalidRequestError', statusCode: 400, code, param});
export const missing = (param) => ({type: 'StripeInvalidRequestError', statusCode: 404, code: 'resource_missing', param});
export const forbidden = (code) => ({type: 'StripePermissionError', statusCode: 403, code});
export const unauthenticated = (code) => ({type: 'StripeAuthenticationError', statusCode: 401, code});
