// @ts-check
// Stands between the server and its model: writes down what the model was asked, and can hold an
// answer back or give another one.
import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** @typedef {import('node:http').IncomingHttpHeaders} IncomingHttpHeaders */
/** @typedef {{ path: string, headers: IncomingHttpHeaders, body: any }} Asked */
/** Answers instead of the model when it returns true.
 * @typedef {(asked: Asked, response: import('node:http').ServerResponse) =>
 *           boolean | Promise<boolean>} Hook */

export class ModelProxy {
  /** @param {string} upstream the model's URL, without the path */
  constructor(upstream) {
    this.upstream = new URL(upstream);
    /** @type {Asked[]} chat completions, oldest first */
    this.asked = [];
    /** @type {Hook | undefined} */
    this.hook = undefined;
    this.server = createServer((incoming, outgoing) => {
      this.forward(incoming, outgoing).catch((error) => outgoing.destroy(error));
    });
  }

  async start() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.server.unref();
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.server.address());
    this.url = `http://127.0.0.1:${port}/v1`;
    return this.url;
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** What the model was asked last. */
  last() {
    const asked = this.asked.at(-1);
    if (asked === undefined) throw new Error('the model was never asked');
    return asked;
  }

  /** @param {import('node:http').IncomingMessage} incoming
   *  @param {import('node:http').ServerResponse} outgoing */
  async forward(incoming, outgoing) {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts);
    if (incoming.url?.endsWith('/chat/completions')) {
      const asked = {
        path: incoming.url,
        headers: incoming.headers,
        body: JSON.parse(body.toString()),
      };
      this.asked.push(asked);
      if (this.hook !== undefined && (await this.hook(asked, outgoing))) return;
    }
    const upstream = request({
      host: this.upstream.hostname,
      port: this.upstream.port,
      path: incoming.url,
      method: incoming.method,
      headers: { ...incoming.headers, host: this.upstream.host },
    });
    upstream.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', (error) => outgoing.destroy(error));
    outgoing.on('close', () => upstream.destroy());
    upstream.end(body);
  }
}
