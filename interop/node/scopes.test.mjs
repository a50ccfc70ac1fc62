// The picture of Stripe's guide to the Secret Store, cell by cell: the Cactus Practice, its two users and its two apps. The world is made by
// the command line alone.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {before, test} from 'node:test';
import * as world from './world.mjs';
import {client, forbidden, missing, refused} from './world.mjs';

const CACTUS = 'acct_cactus';
const APPS = {A: ['acct_devA', 'com.example.app-a'], B: ['acct_devB', 'com.example.app-b']};
const USERS = {'user 1': 'usr_1', 'user 2': 'usr_2'};
const SCOPES = {
  account: {type: 'account'},
  'user 1': {type: 'user', user: USERS['user 1']},
  'user 2': {type: 'user', user: USERS['user 2']},
};
// Which app's secret each of them finds under a name in a scope; "-" is none.
const CELLS = `
name                 | scope   | backend A | A, user 1 | A, user 2 | backend B | B, user 1 | B, user 2
Foo API key          | account | A         | A         | A         | -         | -         | -
Bar API key          | account | -         | -         | -         | B         | B         | B
OAuth access token   | user 1  | A         | A         | -         | B         | B         | -
OAuth refresh token  | user 1  | A         | A         | -         | B         | B         | -
OAuth access token   | user 2  | A         | -         | A         | B         | -         | B
OAuth refresh token  | user 2  | A         | -         | A         | B         | -         | B
`;

const [[, , ...asking], ...lines] = CELLS.trim().split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
const rows = lines.flatMap(([name, scope, ...cells]) => cells.map((app, index) => ({name, scope, who: asking[index], app})));

/** The keys of all who ask: the backend of an app, or the UI extension of an app before one user. */
const keys = {};

const secrets = (who) => client(keys[who], who.startsWith('backend') ? CACTUS : undefined).apps.secrets;
const payload = ({app, name, scope}) => `payload of ${app}: ${name}, ${scope}`;

/** What a command of the command line prints. */
function cli(...args) {
  const {CHOLLA_BINARY, CHOLLA_ADMIN_URL} = process.env;
  return JSON.parse(execFileSync(CHOLLA_BINARY, [...args, '--admin-base', CHOLLA_ADMIN_URL, '--json'], {encoding: 'utf8'}));
}

function upload(id, name, owner) {
  const folder = mkdtempSync(join(tmpdir(), 'cholla-interop-'));
  const manifest = join(folder, 'stripe-app.json');
  const permissions = [{permission: 'secret_write', purpose: "Stores an API key and each user's OAuth tokens"}];
  writeFileSync(manifest, JSON.stringify({id, version: '1.0.0', name, icon: './icon.png', permissions}));
  cli('apps', 'upload', '--manifest', manifest, '--owner', owner);
  rmSync(folder, {recursive: true});
}

function makeWorld() {
  cli('accounts', 'create', CACTUS, '--name', 'The Cactus Practice');
  for (const user of Object.values(USERS)) cli('users', 'add', user, '--account', CACTUS);
  for (const [letter, [developer, app]] of Object.entries(APPS)) {
    cli('accounts', 'create', developer, '--name', `Developer of App ${letter}`);
    upload(app, `App ${letter}`, developer);
    cli('apps', 'publish', app);
    cli('apps', 'install', app, '--account', CACTUS);
    keys[`backend ${letter}`] = cli('keys', 'create', '--kind', 'secret', '--account', developer).value;
    for (const [name, user] of Object.entries(USERS)) {
      keys[`${letter}, ${name}`] = cli('sessions', 'create', '--app', app, '--account', CACTUS, '--user', user).key;
    }
  }
}

before(async () => {
  makeWorld();
  // Each app's backend stores what the picture shows.
  for (const row of rows.filter(({who, app}) => who === `backend ${app}`)) {
    await secrets(row.who).create({name: row.name, payload: payload(row), scope: SCOPES[row.scope]});
  }
});

for (const row of rows) {
  test(`rule 5.5: ${row.who} asks for ${row.name} of ${row.scope}: ${row.app}`, async () => {
    const found = secrets(row.who).find({name: row.name, scope: SCOPES[row.scope], expand: ['payload']});
    if (row.app === '-') await refused(found, missing('name'));
    else assert.equal((await found).payload, payload(row));
  });
}

for (const who of asking) {
  for (const [scope, wire] of Object.entries(SCOPES)) {
    test(`rules 5.5 and 5.7: ${who} lists, sets and deletes of ${scope}`, async () => {
      const expected = rows.filter((row) => row.who === who && row.scope === scope && row.app !== '-').map(({name}) => name);
      const {data} = await secrets(who).list({scope: wire});
      assert.deepEqual(data.map(({name}) => name).sort(), expected.sort());
      const name = world.newName();
      const created = secrets(who).create({name, payload: `payload of ${name}`, scope: wire});
      const isOthers = who.includes('user') && scope !== 'account' && !who.endsWith(scope);
      if (isOthers) await refused(created, forbidden());
      else await created;
      const deleted = secrets(who).deleteWhere({name, scope: wire});
      if (isOthers) await refused(deleted, missing('name'));
      else assert.equal((await deleted).deleted, true);
    });
  }
}
