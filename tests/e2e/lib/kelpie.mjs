// @ts-check
// Starts the real binary and waits for what it says, never for time to pass.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const binary = process.env.KELPIE_BIN ?? join(root, 'build/release/src/kelpie');
const readyTimeoutMs = 20_000;
// Every process and directory is cleaned up by a listener of its own.
process.setMaxListeners(0);
export const exitTimeoutMs = 20_000;

/** A directory that goes away with the test process.
 * @param {string} label */
export function temporaryDirectory(label) {
  const directory = mkdtempSync(join(tmpdir(), `kelpie-${label}-`));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A loopback port that was free a moment ago.
 * @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** Rejects with `what` and the process's output when `promise` takes too long.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} timeoutMs
 * @param {() => string} what
 * @returns {Promise<T>} */
export async function within(promise, timeoutMs, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()} (after ${timeoutMs} ms)`)), timeoutMs);
  });
  try {
    return /** @type {T} */ (await Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}

/** One running binary. */
export class Kelpie {
  /** @param {string[]} args
   *  @param {Record<string, string>} env added to an otherwise empty environment */
  constructor(args, env = {}) {
    this.args = args;
    this.output = '';
    this.child = spawn(binary, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        HOME: temporaryDirectory('home'),
        ...passedOn(),
        ...env,
      },
    });
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    // A process that a failed test left behind must not keep the test program alive; whoever waits
    // for it has a timer that does.
    this.child.unref();
    for (const stream of [this.child.stdout, this.child.stderr]) {
      /** @type {import('node:net').Socket} */ (stream).unref();
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
        for (const listener of this.listeners) listener();
      });
    }
    /** @type {Promise<{code: number | null, signal: NodeJS.Signals | null}>} */
    this.exit = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.exited = true;
        for (const listener of this.listeners) listener();
        resolve({ code, signal });
      });
    });
    this.exit.catch(() => {});
    this.exited = false;
    const child = this.child;
    process.on('exit', () => child.kill('SIGKILL'));
  }

  get pid() {
    if (this.child.pid === undefined) throw new Error(`${binary} could not be started`);
    return this.child.pid;
  }

  /** Resolves when the output matches; rejects when the process ends first.
   * @param {RegExp} pattern */
  async said(pattern) {
    const heard = new Promise((resolve, reject) => {
      const look = () => {
        if (pattern.test(this.output)) resolve(undefined);
        else if (this.exited) reject(new Error(`${this.args.join(' ')} ended: ${this.output}`));
      };
      this.listeners.add(look);
      this.exit.catch(reject);
      look();
    });
    await within(heard, readyTimeoutMs, () => `no line like ${pattern} in: ${this.output}`);
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return await this.ended();
  }

  async ended() {
    return await within(this.exit, exitTimeoutMs, () => `still running: ${this.output}`);
  }
}

/** What the sanitizers, and a client library in a place of its own, need of our environment. */
function passedOn() {
  /** @type {Record<string, string>} */
  const found = {};
  const names = ['KELPIE_LOOPS', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'];
  for (const name of [...names, 'KELPIE_FDB_LIBRARY']) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** `store` are the flags that say which store, in place of a data directory.
 * @typedef {{ dataDir?: string, store?: string[], env?: Record<string, string>, args?: string[], host?: string,
 *              port?: number }} ServeOptions */

/** A server that answers.
 * @param {ServeOptions} options */
export async function startServer(options = {}) {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? temporaryDirectory('data');
  const host = options.host ?? '127.0.0.1';
  const args = [
    'serve',
    '--listen',
    `${host}:${port}`,
    ...(options.store ?? ['--data-dir', dataDir]),
    ...(options.args ?? []),
  ];
  const kelpie = new Kelpie(args, options.env);
  await kelpie.said(new RegExp(`(ready|listening|serving).*:${port}\\b`, 'i'));
  return { kelpie, port, dataDir, url: `http://127.0.0.1:${port}` };
}

/** The offline model over HTTP. `url` ends in /v1, as OPENAI_BASE_URL wants it. */
export async function startModel() {
  const port = await freePort();
  const kelpie = new Kelpie(['offline-model', '--listen', `127.0.0.1:${port}`]);
  await kelpie.said(new RegExp(`(ready|listening|serving).*:${port}\\b`, 'i'));
  return { kelpie, port, url: `http://127.0.0.1:${port}/v1` };
}
