// @ts-check
// What most tests stand on: a server, the offline model over HTTP behind a recording proxy, and the
// official client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Letta from '@letta-ai/letta-client';
import { startModel, startServer } from './kelpie.mjs';
import { ModelProxy } from './proxy.mjs';

export const testTimeoutMs = 40_000;
/** Every model that answers by the built-in rules: in process, and over HTTP. */
export const models = /** @type {const} */ (['kelpie/offline', 'openai/offline']);

/** A test with a bound. Its name is a sentence.
 * @param {string} name
 * @param {() => Promise<void>} body */
export function it(name, body) {
  test(name, { timeout: testTimeoutMs }, body);
}

/** @typedef {{ status: number, headers: Headers, text: string, json: any }} Answer */

/** Parts are there once they are started. */
export class World {
  /** @type {Awaited<ReturnType<typeof startServer>>} */ server = /** @type {any} */ (undefined);
  /** @type {Awaited<ReturnType<typeof startModel>>} */ model = /** @type {any} */ (undefined);
  /** @type {ModelProxy} */ proxy = /** @type {any} */ (undefined);
  /** @type {Letta} */ client = /** @type {any} */ (undefined);

  /** @param {import('./kelpie.mjs').ServeOptions} options */
  async start(options = {}) {
    this.model = await startModel();
    this.proxy = new ModelProxy(this.model.url);
    this.options = options;
    await this.startServer(await this.proxy.start());
  }

  /** @param {string | undefined} modelUrl
   *  @param {Partial<import('./kelpie.mjs').ServeOptions>} changes */
  async startServer(modelUrl = this.proxy.url, changes = {}) {
    const env = {
      OPENAI_BASE_URL: modelUrl ?? '',
      OPENAI_API_KEY: 'for-the-model',
      ...this.options?.env,
    };
    this.server = await startServer({
      ...this.options,
      ...changes,
      env: { ...env, ...changes.env },
    });
    this.client = this.clientWith({});
  }

  /** The same data directory and port, another process. */
  async restart() {
    const { dataDir, port } = this.server;
    await this.startServer(this.proxy.url, { dataDir, port });
  }

  /** @param {Partial<ConstructorParameters<typeof Letta>[0]>} options */
  clientWith(options) {
    return new Letta({ baseURL: this.server.url, apiKey: 'unused', maxRetries: 0, ...options });
  }

  async stop() {
    await this.proxy.stop();
    await Promise.all([this.server.kelpie.stop('SIGKILL'), this.model.kelpie.stop('SIGKILL')]);
  }

  /** One request without a client's help.
   * @param {string} method
   * @param {string} path
   * @param {unknown} body JSON unless it is a string
   * @param {Record<string, string>} headers
   * @returns {Promise<Answer>} */
  async api(method, path, body = undefined, headers = {}) {
    /** @type {RequestInit} */
    const init = { method, headers, redirect: 'manual' };
    if (body !== undefined) {
      init.headers = { 'content-type': 'application/json', ...headers };
      init.body = typeof body === 'string' ? body : JSON.stringify(body);
    }
    const response = await fetch(this.server.url + path, init);
    const text = await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, text, json };
  }

  /** An agent of the modern loop with two blocks.
   * @param {Record<string, unknown>} changes */
  async agent(changes = {}) {
    return await this.client.agents.create({
      agent_type: 'letta_v1_agent',
      name: 'Kelpie test',
      model: 'kelpie/offline',
      memory_blocks: [
        { label: 'persona', value: 'I am a patient water horse.' },
        { label: 'human', value: 'The human is called Ada.' },
      ],
      ...changes,
    });
  }

  /** @param {string} agentId
   *  @param {string} content */
  async send(agentId, content) {
    return await this.client.agents.messages.create(agentId, {
      messages: [{ role: 'user', content }],
    });
  }

  /** The whole history as listed, oldest first.
   * @param {string} agentId */
  async history(agentId) {
    const listed = [];
    for await (const message of this.client.agents.messages.list(agentId, {
      order: 'asc',
      limit: 100,
    })) {
      listed.push(/** @type {any} */ (message));
    }
    return listed;
  }
}

/** A world that lives as long as the tests of this file.
 * @param {(w: World) => Promise<void>} prepare runs before the first test */
export function world(prepare = async () => {}) {
  const made = new World();
  const start = async () => {
    await made.start();
    await prepare(made);
  };
  before(start, { timeout: testTimeoutMs });
  after(async () => await made.stop(), { timeout: testTimeoutMs });
  return made;
}

/** The text of a message, however its content is written.
 * @param {any} message
 * @returns {string} */
export function textOf(message) {
  const { content } = message;
  if (typeof content === 'string') return content;
  return content.map((/** @type {any} */ part) => part.text ?? '').join('');
}

/** @param {any[]} messages
 *  @param {string} type */
export function ofType(messages, type) {
  return messages.filter((message) => message.message_type === type);
}

/** The one of that type.
 * @param {any[]} messages
 * @param {string} type */
export function only(messages, type) {
  const found = ofType(messages, type);
  assert.equal(found.length, 1, `one ${type} expected in ${JSON.stringify(messages)}`);
  return found[0];
}

/** What a failing call of the client threw.
 * @param {Promise<unknown>} call
 * @returns {Promise<{ status: number, error: any, message: string }>} */
export async function failure(call) {
  try {
    await call;
  } catch (error) {
    return /** @type {any} */ (error);
  }
  throw new assert.AssertionError({ message: 'the call succeeded, an error was expected' });
}

/** Checks the rules that every history keeps: each tool call has exactly one result, after it.
 * @param {any[]} history oldest first */
export function assertWellFormed(history) {
  /** @type {Map<string, number>} */
  const results = new Map();
  for (const message of history) {
    if (message.message_type === 'tool_call_message') {
      for (const call of message.tool_calls ?? [message.tool_call]) {
        assert.ok(!results.has(call.tool_call_id), `${call.tool_call_id} is called twice`);
        results.set(call.tool_call_id, 0);
      }
    } else if (message.message_type === 'tool_return_message') {
      const returned = message.tool_returns ?? [message];
      for (const { tool_call_id: id } of returned) {
        assert.equal(results.get(id), 0, `${id} is answered without a call, or twice`);
        results.set(id, 1);
      }
    }
  }
  for (const [id, count] of results) assert.equal(count, 1, `${id} has no result`);
}

export const idPattern = (/** @type {string} */ prefix) =>
  new RegExp(`^${prefix}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

export const unknownAgentId = 'agent-00000000-0000-4000-8000-00000000dead';
