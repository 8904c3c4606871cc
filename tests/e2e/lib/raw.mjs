// @ts-check
// HTTP as bytes: what no well-behaved client would send, and what it must be answered.
import { connect } from 'node:net';
import { within } from './kelpie.mjs';

const answerTimeoutMs = 20_000;

/** One TCP connection whose received bytes are kept. */
export class Raw {
  /** @param {number} port */
  constructor(port) {
    this.received = Buffer.alloc(0);
    this.closed = false;
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    // Whoever waits for it has a timer that keeps the program alive; nobody else should.
    this.socket.unref();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    const wake = () => {
      for (const listener of this.listeners) listener();
    };
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      wake();
    });
    // A reset is an answer too: whoever waits for bytes that never came will say what did.
    this.socket.on('error', () => {
      this.closed = true;
      wake();
    });
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.closed = true;
        wake();
      });
    }
  }

  /** @param {string | Buffer} bytes */
  send(bytes) {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves when `done` holds, or the peer has closed.
   * @param {() => boolean} done
   * @param {number} timeoutMs */
  async until(done, timeoutMs = answerTimeoutMs) {
    const reached = new Promise((resolve) => {
      const look = () => {
        if (!done() && !this.closed) return;
        this.listeners.delete(look);
        resolve(undefined);
      };
      this.listeners.add(look);
      look();
    });
    await within(reached, timeoutMs, () => `received only: ${this.text().slice(0, 2000)}`);
  }

  text() {
    return this.received.toString('latin1');
  }

  /** The next whole response, taken off what was received.
   * @param {{ interim?: boolean }} options whether a 1xx is returned or passed over */
  async response(options = {}) {
    for (;;) {
      /** @type {ReturnType<typeof parseResponse>} */
      let parsed;
      await this.until(() => (parsed = parseResponse(this.received, this.closed)) !== undefined);
      parsed ??= parseResponse(this.received, true);
      if (parsed === undefined) throw new Error(`no response, received: ${this.text()}`);
      this.received = this.received.subarray(parsed.bytes);
      if (parsed.status >= 200 || options.interim) return parsed;
    }
  }

  async connected() {
    if (!this.socket.connecting) return;
    const connected = new Promise((resolve) => this.socket.once('connect', resolve));
    await within(connected, answerTimeoutMs, () => 'not connected');
  }

  async peerClosed() {
    await this.until(() => this.closed);
    return this.closed;
  }

  close() {
    this.socket.destroy();
  }
}

/** @param {Buffer} bytes
 *  @param {boolean} ended
 *  @returns {undefined | { status: number, headers: Map<string, string>, body: Buffer,
 *            bytes: number, json: () => any }} */
function parseResponse(bytes, ended) {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine, ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(statusLine?.split(' ')[1]);
  /** @type {Map<string, string>} */
  const headers = new Map();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const start = headEnd + 4;
  const make = (/** @type {Buffer} */ body, /** @type {number} */ used) => ({
    status,
    headers,
    body,
    bytes: used,
    json: () => JSON.parse(body.toString('utf8')),
  });
  if (status < 200 || status === 204) return make(Buffer.alloc(0), start);
  if (headers.get('transfer-encoding') === 'chunked') {
    const chunked = parseChunked(bytes, start);
    return chunked && make(chunked.body, chunked.end);
  }
  const length = headers.get('content-length');
  if (length === undefined) return ended ? make(bytes.subarray(start), bytes.length) : undefined;
  const end = start + Number(length);
  return bytes.length < end ? undefined : make(bytes.subarray(start, end), end);
}

/** @param {Buffer} bytes
 *  @param {number} start */
function parseChunked(bytes, start) {
  const parts = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), end: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

/** @param {string} method
 *  @param {string} path
 *  @param {{ headers?: Record<string, string>, body?: string | Buffer }} options */
export function requestBytes(method, path, options = {}) {
  const body = Buffer.from(options.body ?? '');
  /** @type {Record<string, string>} */
  const headers = { host: '127.0.0.1', ...options.headers };
  if (options.body !== undefined && headers['content-length'] === undefined) {
    headers['content-type'] ??= 'application/json';
    headers['content-length'] = String(body.length);
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}
