// An extension with the library that the published example apps pin, making its calls in the two ways in which those apps make them.
import Stripe from 'stripe-8';
import {createHttpClient, STRIPE_API_KEY} from '@stripe/ui-extension-sdk/http_client';
import {expose} from './frame.js';

const stripe = new Stripe(STRIPE_API_KEY, {
  host: CHOLLA_HOST,
  httpClient: createHttpClient(),
  apiVersion: '2020-08-27',
});
const {StripeResource} = Stripe;

/** A resource of the application's own, as the library had none for secrets yet. */
const Secrets = StripeResource.extend({
  set: StripeResource.method({method: 'POST', path: 'apps/secrets'}),
  find: StripeResource.method({method: 'GET', path: 'apps/secrets/find'}),
  list: StripeResource.method({method: 'GET', path: 'apps/secrets'}),
  delete: StripeResource.method({method: 'POST', path: 'apps/secrets/delete'}),
});
const secrets = new Secrets(stripe);

/** One request of a resource declared for it alone, with a callback. */
function request(method, path, params) {
  const Resource = StripeResource.extend({request: StripeResource.method({method, path})});
  return new Promise((resolve, reject) => {
    new Resource(stripe).request(params, (error, secret) => (error ? reject(error) : resolve(secret)));
  });
}

expose(
  {
    set: (params) => secrets.set(params),
    find: (params) => secrets.find(params),
    list: (params) => secrets.list(params),
    delete: (params) => secrets.delete(params),
    request,
  },
  Stripe.errors,
);
