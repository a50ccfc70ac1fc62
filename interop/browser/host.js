// The page around the extension, which plays the dashboard: it frames the extension, hands it one end of a channel and answers its
// questions for keys there. A test calls `run` through the browser's debugging protocol.
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

let key;
let keysAsked = 0;

const {port1, port2} = new MessageChannel();
const extension = createEndpoint(fromMessagePort(port1));
extension.expose({
  supportsFetchAppEmbeddedKey: () => true,
  fetchAppEmbeddedKey() {
    keysAsked += 1;
    return key;
  },
});
port1.start();

const frame = document.createElement('iframe');
// Without `allow-same-origin`, as in the dashboard: the extension's origin is opaque and its requests carry `Origin: null`.
frame.sandbox = 'allow-scripts';
frame.src = `/${new URLSearchParams(location.search).get('extension')}.html`;
const isConnected = new Promise((resolve) => frame.addEventListener('load', resolve, {once: true})).then(() => {
  frame.contentWindow.postMessage('init_extension', '*', [port2]);
});
document.body.append(frame);

/** Has the extension do one thing while the dashboard's session is that of `sessionKey`; tells how often the SDK asked for the key. */
window.run = async (sessionKey, operation, ...parameters) => {
  await isConnected;
  key = sessionKey;
  keysAsked = 0;
  const outcome = await extension.call.run(operation, ...parameters);
  return {...outcome, keysAsked};
};
