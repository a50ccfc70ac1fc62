// What an extension's runtime does around its code: it takes the channel to the host page and puts its end where the published SDK looks
// for it. Here it also does what a test asks for.
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

/** Makes `operations` callable from the host page by their names; `errors` are the library's classes of errors. */
export function expose(operations, errors) {
  addEventListener('message', ({source, data, ports: [port]}) => {
    if (source !== parent || data !== 'init_extension') return;
    const endpoint = createEndpoint(fromMessagePort(port));
    globalThis.__StripeExtExports = {endpoint};
    endpoint.expose({run: (operation, ...parameters) => outcome(operations[operation](...parameters), errors)});
    port.start();
  });
}

/** What a call came to, as plain data: an error would lose its class and its fields on the way to the host page. */
async function outcome(call, errors) {
  try {
    const value = await call;
    return plain({value, headers: value?.lastResponse?.headers});
  } catch (error) {
    const {message, type, rawType, statusCode, code, param, requestId, headers} = error;
    const isOfItsClass = error instanceof errors[type];
    return plain({error: {message, type, isOfItsClass, rawType, statusCode, code, param, requestId, headers}});
  }
}

const plain = (value) => JSON.parse(JSON.stringify(value));
