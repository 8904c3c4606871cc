// @ts-check
// Rounds of kill -9 under load. After each, over the API: every acknowledged message is listed
// exactly once, in its client's order; an unacknowledged one at most once; each history is well
// formed, and each block agrees with it.
//
//   node crash.mjs [--rounds N] [--clients N] [--seed N] [--agents N] [--load-ms-max N]
//                  [--fdb-cluster-file FILE]
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, Kelpie, startServer } from '../e2e/lib/kelpie.mjs';
import { checkBlock, checkMessages, checkWellFormed } from './check.mjs';

/** @typedef {import('./check.mjs').Sent} Sent */
/** @typedef {{ id: string, round: number, sent: Sent[], probes: number }} Agent */
/** A short-lived agent and how far its client came with it.
 * @typedef {{ id: string, text: string, told: boolean, deleting: boolean,
 *             deleted: boolean }} Scratch */

const loadMsMin = 50;
const pageLimit = 500;
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    clients: { type: 'string', default: '16' },
    agents: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    'load-ms-max': { type: 'string', default: '1500' },
    'fdb-cluster-file': { type: 'string' },
  },
});
const seed = Number(flags.seed) >>> 0;
const rounds = Number(flags.rounds);
const clients = Number(flags.clients);
const agentsPerRound = Number(flags.agents);
const loadMsMax = Number(flags['load-ms-max']);

/** Numbers in [0, 1), the same for the same seed (Mulberry32, by Tommy Ettinger).
 * @param {number} state */
function makeRandom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The server was killed under a request: nothing is known about it. */
class Undecided extends Error {}

class Campaign {
  constructor() {
    this.random = makeRandom(seed);
    this.dataDir = mkdtempSync(join(tmpdir(), 'kelpie-crash-'));
    const cluster = flags['fdb-cluster-file'];
    /** Flags of the store that all rounds share. */
    this.store =
      cluster === undefined ? ['--data-dir', this.dataDir] : ['--fdb-cluster-file', cluster];
    this.connections = new http.Agent({ keepAlive: true, maxSockets: 64 });
    /** @type {Agent[]} */
    this.agents = [];
    /** @type {Scratch[]} */
    this.scratch = [];
    this.port = 0;
    this.acknowledged = 0;
    this.undecided = 0;
    /** @type {string[]} */
    this.complaints = [];
  }

  /** @param {string} method
   *  @param {string} path
   *  @param {unknown} body
   *  @returns {Promise<{ status: number, text: string }>} */
  async request(method, path, body = undefined) {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = bytes && { 'content-type': 'application/json', 'content-length': bytes.length };
    return await new Promise((resolve, reject) => {
      const lost = (/** @type {Error} */ error) => reject(new Undecided(error.message));
      const request = http.request(
        { port: this.port, host: '127.0.0.1', method, path, headers, agent: this.connections },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part) => (text += part));
          response.on('error', lost);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      request.on('error', lost);
      request.end(bytes);
    });
  }

  /** @param {string} method
   *  @param {string} path
   *  @param {unknown} body
   *  @returns {Promise<any>} */
  async json(method, path, body = undefined) {
    const { status, text } = await this.request(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }

  async start() {
    this.port = await freePort();
    const { kelpie } = await startServer({ store: this.store, port: this.port });
    this.server = kelpie;
  }

  async kill() {
    if (this.server === undefined) throw new Error('no server runs');
    await this.server.stop('SIGKILL');
    this.connections.destroy();
    this.connections = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** Kills a start before it is ready, now and then: recovery must survive a crash too. */
  async startAndKillEarly() {
    const port = await freePort();
    const kelpie = new Kelpie([
      'serve',
      '--listen',
      `127.0.0.1:${port}`,
      ...this.store,
    ]);
    await new Promise((resolve) => setTimeout(resolve, this.random() * 100));
    await kelpie.stop('SIGKILL');
  }

  /** @param {string} name */
  async createAgent(name) {
    const memory_blocks = [{ label: 'human', value: 'notes:' }];
    return await this.json('POST', '/v1/agents/', { name, model: 'kelpie/offline', memory_blocks });
  }

  /** Sends one message and returns only when it is acknowledged.
   * @param {string} id
   * @param {string} content
   * @param {{ streaming?: boolean, stream_tokens?: boolean }} options */
  async send(id, content, options = {}) {
    const body = { messages: [{ role: 'user', content }], ...options };
    const { status, text } = await this.request('POST', `/v1/agents/${id}/messages`, body);
    if (status !== 200) throw new Error(`sending ${content}: ${status} ${text.slice(0, 500)}`);
    if (options.streaming !== true) {
      const stop = JSON.parse(text).stop_reason.stop_reason;
      if (stop !== 'end_turn') throw new Error(`sending ${content}: stopped by ${stop}`);
    } else if (!text.includes('"stop_reason":"end_turn"') || !text.endsWith('data: [DONE]\n\n')) {
      throw new Error(`sending ${content}: the stream ended with ${text.slice(-500)}`);
    }
  }

  /** One client's life in one round.
   * @param {number} round
   * @param {number} client
   * @param {Agent[]} agents */
  async client(round, client, agents) {
    const random = makeRandom(seed ^ (round * 1009 + client + 1));
    for (let number = 0; ; ++number) {
      try {
        if (random() < 0.03) await this.useScratch(`r${round}-c${client}-n${number}`);
        else await this.sendOne(round, client, number, agents, random);
      } catch (error) {
        if (error instanceof Undecided) {
          ++this.undecided;
        } else {
          this.complaints.push(String(error));
        }
        return;
      }
    }
  }

  /** @param {number} round
   *  @param {number} client
   *  @param {number} number
   *  @param {Agent[]} agents
   *  @param {() => number} random */
  async sendOne(round, client, number, agents, random) {
    const agent = /** @type {Agent} */ (agents[Math.floor(random() * agents.length)]);
    const name = `r${round}-c${client}-n${number}.`;
    const marker = random() < 0.25 ? `mark-${name}` : '';
    const text =
      marker === ''
        ? `${name} says hello`
        : `call memory_insert ${JSON.stringify({ label: 'human', new_string: marker })}`;
    const sent = { client, number, text, marker, acknowledged: false };
    agent.sent.push(sent);
    const streaming = random() < 0.3;
    await this.send(agent.id, text, streaming ? { streaming, stream_tokens: random() < 0.5 } : {});
    sent.acknowledged = true;
    ++this.acknowledged;
  }

  /** Makes an agent, tells it something, and deletes it again.
   * @param {string} name */
  async useScratch(name) {
    const { id } = await this.createAgent(name);
    const scratch = { id, text: `for ${name}`, told: false, deleting: false, deleted: false };
    this.scratch.push(scratch);
    await this.send(id, scratch.text);
    scratch.told = true;
    scratch.deleting = true;
    await this.json('DELETE', `/v1/agents/${id}`);
    scratch.deleted = true;
  }

  /** @param {string} id
   *  @returns {Promise<any[]>} oldest first */
  async history(id) {
    /** @type {any[]} */
    const listed = [];
    for (;;) {
      const after = listed.length === 0 ? '' : `&after=${listed.at(-1).id}`;
      const path = `/v1/agents/${id}/messages?order=asc&limit=${pageLimit}${after}`;
      const page = await this.json('GET', path);
      if (page.length === 0) return listed;
      listed.push(...page);
    }
  }

  /** @param {Agent} agent */
  async check(agent) {
    const complain = (/** @type {string[]} */ found) => {
      this.complaints.push(...found.map((complaint) => `${agent.id}: ${complaint}`));
    };
    // What was acknowledged is there at once, before anything is resumed.
    complain(checkMessages(agent.sent, await this.history(agent.id)));
    // One more message waits for the runs that the crash interrupted; then nothing is left open.
    const text = `probe ${agent.probes++} of round ${agent.round}`;
    const probe = { client: -1, number: agent.probes, text, marker: '', acknowledged: false };
    agent.sent.push(probe);
    await this.send(agent.id, text);
    probe.acknowledged = true;
    const history = await this.history(agent.id);
    const block = await this.json('GET', `/v1/agents/${agent.id}/core-memory/blocks/human`);
    complain(checkMessages(agent.sent, history));
    complain(checkWellFormed(history));
    complain(checkBlock(agent.sent, history, block.value));
  }

  /** An agent whose delete was under way is there as a whole or gone as a whole.
   * @param {Scratch} scratch */
  async checkScratch({ id, text, told, deleting, deleted }) {
    const { status } = await this.request('GET', `/v1/agents/${id}`);
    const messages = await this.request('GET', `/v1/agents/${id}/messages?order=asc`);
    const block = await this.request('GET', `/v1/agents/${id}/core-memory/blocks/human`);
    const statuses = [status, messages.status, block.status];
    if (!statuses.every((other) => other === status) || ![200, 404].includes(status)) {
      this.complaints.push(`${id} is half there: ${statuses.join()}`);
    } else if (deleted && status === 200) {
      this.complaints.push(`${id}: its delete was acknowledged and lost`);
    } else if (!deleting && status === 404) {
      this.complaints.push(`${id}: its creation was acknowledged and lost`);
    } else if (status === 200 && told && !messages.text.includes(text)) {
      this.complaints.push(`${id}: its message was acknowledged and lost`);
    }
  }

  /** @param {number} round */
  async round(round) {
    for (let n = 0; n < agentsPerRound; ++n) {
      const { id } = await this.createAgent(`Round ${round} agent ${n}`);
      this.agents.push({ id, round, sent: [], probes: 0 });
    }
    const recent = this.agents.filter((agent) => agent.round >= round - 1);
    this.scratch = [];
    const load = Array.from({ length: clients }, (_, n) => this.client(round, n, recent));
    const loadMs = loadMsMin + this.random() * (loadMsMax - loadMsMin);
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    if (this.server?.exited) throw new Error(`the server ended by itself: ${this.server.output}`);
    await this.kill();
    await Promise.all(load);
    if (this.random() < 0.2) await this.startAndKillEarly();
    await this.start();
    await Promise.all(recent.map((agent) => this.check(agent)));
    for (const scratch of this.scratch) await this.checkScratch(scratch);
  }

  /** @returns {Promise<boolean>} whether nothing was wrong */
  async run() {
    let failed = 0;
    await this.start();
    for (let round = 1; round <= rounds; ++round) {
      const before = this.acknowledged;
      try {
        await this.round(round);
      } catch (error) {
        this.complaints.push(String(error));
      }
      if (this.report(`round ${round} with ${this.acknowledged - before} acknowledged`)) ++failed;
      if (failed > 0 && this.server?.exited) await this.start();
    }
    try {
      await Promise.all(this.agents.map((agent) => this.check(agent)));
      const { code } = await /** @type {Kelpie} */ (this.server).stop('SIGTERM');
      if (code !== 0) this.complaints.push(`SIGTERM exits with ${code}`);
    } catch (error) {
      this.complaints.push(String(error));
    }
    if (this.report(`all ${this.agents.length} agents again`)) ++failed;
    console.log(
      `seed ${seed}, ${rounds} rounds, ${clients} clients, ${this.agents.length} agents: ` +
        `${this.acknowledged} messages acknowledged, ${this.undecided} requests cut`,
    );
    if (failed === 0) rmSync(this.dataDir, { recursive: true, force: true });
    else console.log(`the data is kept in ${this.dataDir}`);
    console.log(`${rounds + 1 - failed} passed, ${failed} failed`);
    return failed === 0;
  }

  /** Prints what is wrong and forgets it.
   * @param {string} what
   * @returns {boolean} whether anything was wrong */
  report(what) {
    const found = this.complaints;
    this.complaints = [];
    console.log(what);
    if (found.length > 0) console.log(`failed: crash ${what}: ${found.length} complaints`);
    for (const complaint of found.slice(0, 20)) console.log(`  ${complaint}`);
    if (found.length > 20) console.log(`  and ${found.length - 20} more`);
    return found.length > 0;
  }
}

console.log(`seed ${seed}`);
const well = await new Campaign().run();
if (!well) process.exitCode = 1;
