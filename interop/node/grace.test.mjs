// The end of an uninstalled app's secrets (contract 14.5 and 14.6). It moves the clock by months, so it comes last.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {advance} from './server.mjs';
import * as world from './world.mjs';
import {forbidden, maker, missing, refused} from './world.mjs';

for (const [away, isKept] of [['29d', true], ['31d', false]]) {
  test(`rules 14.5 and 14.6: reinstalled after ${away}`, async () => {
    const {installs, secrets} = maker().apps;
    const {id} = await world.install();
    const name = world.newName();
    const query = {name, scope: world.ACCOUNT, expand: ['payload']};
    const stored = await secrets.create({name, payload: `payload of ${name}`, scope: world.ACCOUNT});
    await installs.uninstall(id);
    await advance(away);
    await refused(secrets.find(query), forbidden('account_invalid'));
    assert.notEqual((await world.install()).id, id);
    if (isKept) {
      const found = await secrets.find(query);
      assert.deepEqual([found.id, found.payload], [stored.id, `payload of ${name}`]);
      return;
    }
    await refused(secrets.find(query), missing('name'));
    assert.deepEqual((await secrets.list({scope: world.ACCOUNT})).data, []);
    assert.notEqual((await secrets.create({name, payload: 'payload of new', scope: world.ACCOUNT})).id, stored.id);
  });
}
