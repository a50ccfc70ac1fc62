// The server under test, as `cargo xtask interop` describes it in the environment and in the server's ready file.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

export {advance, caFile, now} from '../node/server.mjs';

const {CHOLLA_HTTPS_URL, CHOLLA_READY_FILE, CHOLLA_CLIENTS} = process.env;

/** The folder that this client's packages were fetched into. */
export const fetched = `${CHOLLA_CLIENTS}/browser`;

/** Loads one of those packages. */
export const load = createRequire(`${fetched}/package.json`);

/** What an extension calls; its port is part of the host. */
export const {host, port} = new URL(CHOLLA_HTTPS_URL);

const ready = JSON.parse(readFileSync(CHOLLA_READY_FILE, 'utf8'));

const APP = 'com.example.browser';
export const MERCHANT = 'acct_browserMerchant';
export const STRANGER = 'acct_stranger';

/** The key of the user's session. */
export function sessionKey(user) {
  return ready.keys.find(({kind, app, user: owner}) => kind === 'embedded' && app === APP && owner === user).value;
}

export const signingSecret = ready.apps.find(({id}) => id === APP).signing_secret;
