// The host page and the extensions, bundled from the published packages and served on loopback; and the app's backend.
import {spawnSync} from 'node:child_process';
import {createServer} from 'node:http';
import {fileURLToPath} from 'node:url';
import {fetched, host, load, signingSecret} from './server.mjs';

const {buildSync} = load('esbuild');
const Stripe = load('stripe');

const folder = fileURLToPath(new URL('.', import.meta.url));
const page = (script) => `<!doctype html><meta charset="utf-8"><title>${script}</title><body><script src="${script}.js"></script>`;

function bundle(name) {
  const stub = `${folder}builtins.cjs`;
  const {outputFiles} = buildSync({
    entryPoints: [`${folder}${name}.js`],
    bundle: true,
    write: false,
    platform: 'browser',
    nodePaths: [`${fetched}/node_modules`],
    define: {CHOLLA_HOST: JSON.stringify(host)},
    alias: {child_process: stub, crypto: stub, http: stub, https: stub, path: stub},
    // The older library looks at the process that it runs in.
    banner: {js: 'var process = {env: {}};'},
  });
  return outputFiles[0].text;
}

/** Serves the pages; answers their origin and what ends it. */
export function servePages() {
  const files = new Map();
  for (const name of ['host', 'current', 'legacy']) {
    files.set(`/${name}.html`, ['text/html; charset=utf-8', page(name)]);
    files.set(`/${name}.js`, ['text/javascript; charset=utf-8', bundle(name)]);
  }
  return listen((request, response) => {
    const file = files.get(request.url.split('?')[0]);
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, {'Content-Type': file[0]}).end(file[1]);
  });
}

/** Serves the backend of the app: it tells which of the official helpers accept the signature of what it receives. */
export function serveBackend() {
  return listen((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', 'Content-Type, Stripe-Signature');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    return request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const header = request.headers['stripe-signature'];
      const verified = {origin: request.headers.origin, node: verifiedByNode(body, header), python: verifiedByPython(body, header)};
      response.writeHead(200, {'Content-Type': 'application/json'}).end(JSON.stringify(verified));
    });
  });
}

function verifiedByNode(body, header) {
  try {
    return new Stripe('sk_test_unused').webhooks.signature.verifyHeader(body, header, signingSecret);
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function verifiedByPython(body, header) {
  const input = JSON.stringify({body, header, secret: signingSecret});
  const {status, stderr} = spawnSync(`${fetched}/bin/python`, [`${folder}verify.py`], {input, encoding: 'utf8'});
  if (status !== 0 && stderr) throw new Error(stderr);
  return status === 0;
}

async function listen(handle) {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return {origin: `http://127.0.0.1:${server.address().port}`, close};
}
