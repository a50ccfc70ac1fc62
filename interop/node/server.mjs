// The server under test, as `cargo xtask interop` describes it in the environment, and its clock.
import {createRequire} from 'node:module';
import {randomUUID} from 'node:crypto';

const {CHOLLA_URL, CHOLLA_HTTPS_URL, CHOLLA_CA_FILE, CHOLLA_ADMIN_URL, CHOLLA_ADMIN_TOKEN, CHOLLA_CLIENTS} = process.env;

/** Loads a package from the folder that the clients were fetched into. */
export const load = createRequire(`${CHOLLA_CLIENTS}/node/package.json`);

export const caFile = CHOLLA_CA_FILE;

/** The three options that aim the library, for either listener. */
export function aim(secure = false) {
  const {protocol, hostname, port} = new URL(secure ? CHOLLA_HTTPS_URL : CHOLLA_URL);
  return {protocol: protocol.slice(0, -1), host: hostname, port};
}

/** What the admin listener answers: to a POST where there is a body. */
export async function admin(path, body) {
  const answer = await fetch(`${CHOLLA_ADMIN_URL}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {Authorization: `Bearer ${CHOLLA_ADMIN_TOKEN}`, 'Content-Type': 'application/json'},
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

const clock = async (body) => (await admin('/dev/clock', body)).now;

/** The server's time in Unix seconds. */
export const now = () => clock();

/** Moves the server's clock forward, such as by "2h". */
export const advance = (duration) => clock({advance: duration});

export const newUser = () => ({type: 'user', user: `usr_${randomUUID()}`});
