// The Node libraries that the published example apps pin, with the calls that those apps make.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {aim, load, newUser} from './server.mjs';

const MERCHANT = 'acct_nodeMerchant';
const DEVELOPER_KEY = 'sk_test_interop_node';

const client = (Stripe) => new Stripe(DEVELOPER_KEY, {...aim(), telemetry: false, stripeAccount: MERCHANT, apiVersion: '2020-08-27'});

/** One request of a resource that the application declares itself, as the apps did before the library had this one. */
function request(Stripe, method, path, params = {}) {
  const Resource = Stripe.StripeResource.extend({request: Stripe.StripeResource.method({method, path})});
  return new Promise((resolve, reject) => {
    new Resource(client(Stripe)).request(params, (error, secret) => (error ? reject(error) : resolve(secret)));
  });
}

for (const name of ['stripe-8', 'stripe-9']) {
  const Stripe = load(name);

  test(`${name}, rule 3.2: scope and name in the query, the payload in the body`, async () => {
    const {user} = newUser();
    const path = `apps/secrets?scope[type]=user&scope[user]=${user}&name=username&expand[]=payload`;
    const created = await request(Stripe, 'POST', path, {payload: 'pricklypear'});
    assert.deepEqual([created.name, created.payload, created.scope], ['username', 'pricklypear', {type: 'user', user}]);
    const find = path.replace('apps/secrets?', 'apps/secrets/find?');
    assert.equal((await request(Stripe, 'GET', find)).payload, 'pricklypear');
    const deleted = await request(Stripe, 'POST', `apps/secrets/delete?scope[type]=user&scope[user]=${user}&name=username`);
    assert.equal(deleted.deleted, true);
  });

  test(`${name}: the four operations by declared resources`, async () => {
    const {StripeResource} = Stripe;
    const Secrets = StripeResource.extend({
      set: StripeResource.method({method: 'POST', path: 'apps/secrets'}),
      find: StripeResource.method({method: 'GET', path: 'apps/secrets/find'}),
      list: StripeResource.method({method: 'GET', path: 'apps/secrets', methodType: 'list'}),
      delete: StripeResource.method({method: 'POST', path: 'apps/secrets/delete'}),
    });
    const secrets = new Secrets(client(Stripe));
    const scope = newUser();
    const names = Array.from({length: 10}, (_, index) => `name_${index}`);
    for (const name of names) await secrets.set({name, payload: `payload of ${name}`, scope});
    const found = await secrets.find({name: names[0], scope, expand: ['payload']});
    assert.equal(found.payload, `payload of ${names[0]}`);
    const listed = await secrets.list({scope, limit: 3}).autoPagingToArray({limit: 100});
    assert.deepEqual(listed.map((secret) => secret.name), [...names].reverse());
    assert.equal((await secrets.delete({name: names[0], scope})).deleted, true);
    await assert.rejects(secrets.find({name: names[0], scope}), {
      type: 'StripeInvalidRequestError', statusCode: 404, code: 'resource_missing', param: 'name',
    });
  });
}

test('stripe-9: its own resource', async () => {
  const {secrets} = client(load('stripe-9')).apps;
  const scope = newUser();
  const created = await secrets.create({name: 'x', payload: 'v', scope});
  assert.equal((await secrets.find({name: 'x', scope, expand: ['payload']})).payload, 'v');
  assert.deepEqual((await secrets.list({scope})).data.map(({id}) => id), [created.id]);
  assert.equal((await secrets.deleteWhere({name: 'x', scope})).deleted, true);
});
