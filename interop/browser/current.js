// An extension with the current official library. CHOLLA_HOST is all that aims it; the rest is what it would be at Stripe.
import Stripe from 'stripe';
import stripeApiFetch from '@stripe/ui-extension-sdk/api_fetch';
import {createHttpClient, STRIPE_API_KEY} from '@stripe/ui-extension-sdk/http_client';
import fetchStripeSignature from '@stripe/ui-extension-sdk/signature';
import {setConnectionSettings} from '@stripe/ui-extension-sdk/utils/signature/connectionSettings';
import {expose} from './frame.js';

const stripe = new Stripe(STRIPE_API_KEY, {
  host: CHOLLA_HOST,
  httpClient: createHttpClient(),
  apiVersion: '2020-08-27',
});

async function callBackend(url, payload, body) {
  const query = new URLSearchParams({payload, 'include_only[]': 'signature'});
  const {signature} = await stripe.rawRequest('GET', `/v1/apps/app_embedded_backend_signature?${query}`);
  const answer = await fetch(url, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', 'Stripe-Signature': signature},
    body,
  });
  return answer.json();
}

expose(
  {
    origin: () => self.origin,
    create: (...request) => stripe.apps.secrets.create(...request),
    find: (...request) => stripe.apps.secrets.find(...request),
    list: (...request) => stripe.apps.secrets.list(...request),
    listAll: (...request) => stripe.apps.secrets.list(...request).autoPagingToArray({limit: 100}),
    deleteWhere: (...request) => stripe.apps.secrets.deleteWhere(...request),
    request: (...request) => stripe.rawRequest(...request),
    apiFetch: (path, options) => stripeApiFetch(`https://${CHOLLA_HOST}${path}`, options),
    callBackend,
    // The SDK has this setting for itself; in the dashboard it calls Stripe's host.
    fetchStripeSignature(settings, payload) {
      setConnectionSettings(settings);
      return fetchStripeSignature(payload);
    },
  },
  Stripe.errors,
);
