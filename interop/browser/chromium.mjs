// Headless Chromium, driven by its debugging protocol over a pipe: no port, and it ends with this process.
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {fetched} from './server.mjs';

/** Starts Chromium with a home of its own; it trusts the authorities in `caFiles` beside those that come with it. */
export async function launch({caFiles, resolverRules = ''}) {
  const home = mkdtempSync(`${fetched}/home-`);
  trust(home, caFiles);
  const arguments_ = [
    '--headless',
    '--remote-debugging-pipe',
    `--user-data-dir=${home}/profile`,
    `--host-resolver-rules=${resolverRules}`,
    '--no-proxy-server',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-dev-shm-usage',
  ];
  // Chromium's sandbox does not start for root, as whom containers commonly run. All pages here are our own.
  if (process.getuid() === 0) arguments_.push('--no-sandbox');
  const child = spawn('chromium', [...arguments_, 'about:blank'], {
    env: {...process.env, HOME: home, XDG_CONFIG_HOME: `${home}/config`, XDG_CACHE_HOME: `${home}/cache`, XDG_DATA_HOME: `${home}/data`},
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const hasEnded = new Promise((resolve) => child.once('close', resolve));
  const connection = connect(child.stdio[3], child.stdio[4]);
  return {
    open: (url) => open(connection, url),
    async close() {
      await connection.send('Browser.close');
      await hasEnded;
      rmSync(home, {recursive: true, force: true, maxRetries: 5});
    },
  };
}

/** Makes the database in which Chromium on Linux looks for authorities that its user trusts. */
function trust(home, caFiles) {
  const database = `${home}/.pki/nssdb`;
  mkdirSync(database, {recursive: true});
  execFileSync('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
  for (const file of caFiles) execFileSync('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', file, '-i', file]);
}

/** Commands go out and come back as JSON that a NUL ends; events have no id. */
function connect(output, input) {
  const waiting = new Map();
  const listeners = [];
  let last = 0;
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const message of messages.map((json) => JSON.parse(json))) {
      const {id, error, result} = message;
      if (id === undefined) for (const listener of listeners) listener(message);
      else if (error) waiting.get(id).reject(new Error(error.message));
      else waiting.get(id).resolve(result);
      waiting.delete(id);
    }
  });
  input.on('close', () => {
    for (const {reject} of waiting.values()) reject(new Error('Chromium ended'));
  });
  // Where Chromium ended before a command, the answer that never comes reports it.
  output.on('error', () => {});
  return {
    listeners,
    send(method, params = {}, sessionId = undefined) {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, {resolve, reject});
        output.write(`${JSON.stringify({id, method, params, sessionId})}\0`);
      });
    },
  };
}

/** Opens a page with all its frames. */
async function open({send, listeners}, url) {
  const targets = [];
  let sent = [];
  const {targetId} = await send('Target.createTarget', {url: 'about:blank'});
  const {sessionId} = await send('Target.attachToTarget', {targetId, flatten: true});
  async function watch(target) {
    targets.push(target);
    await send('Network.enable', {}, target);
    await send('Runtime.runIfWaitingForDebugger', {}, target);
  }

  const hasLoaded = new Promise((resolve) => {
    listeners.push(({method, params, sessionId: sender}) => {
      // A frame of another origin is a target of its own.
      if (method === 'Target.attachedToTarget' && sender === sessionId) watch(params.sessionId);
      if (method === 'Network.requestWillBeSent' && targets.includes(sender)) sent.push(params.request);
      if (method === 'Page.loadEventFired' && sender === sessionId) resolve();
    });
  });
  await send('Target.setAutoAttach', {autoAttach: true, waitForDebuggerOnStart: true, flatten: true}, sessionId);
  await watch(sessionId);
  await send('Page.enable', {}, sessionId);
  await send('Page.navigate', {url}, sessionId);
  await hasLoaded;
  return {
    /** The methods and URLs of what the page and its frames have sent since this was last asked. */
    async requests() {
      // A target answers after it has told of everything before.
      await Promise.all(targets.map((target) => send('Network.enable', {}, target)));
      const requests = sent.map((request) => `${request.method} ${request.url}`);
      sent = [];
      return requests;
    },
    /** Calls a function of the page and waits for what it promises. */
    async call(name, ...parameters) {
      const expression = `${name}(...${JSON.stringify(parameters)})`;
      const {result, exceptionDetails} = await send('Runtime.evaluate', {expression, awaitPromise: true, returnByValue: true}, sessionId);
      if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
      return result.value;
    },
  };
}
