// @ts-check
// `kelpie actors`, asked of a running server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, testTimeoutMs, unknownAgentId, World } from '../lib/fixture.mjs';
import { Kelpie, startServer } from '../lib/kelpie.mjs';

/** Runs a verb to its end.
 * @param {string} url
 * @param {string[]} args
 * @param {Record<string, string>} env */
async function actors(url, args, env = {}) {
  const kelpie = new Kelpie(['actors', ...args, '--server', url], env);
  const { code } = await kelpie.ended();
  return { code, output: kelpie.output };
}

/** What the verb printed; it must succeed.
 * @param {World} w
 * @param {...string} args */
async function said(w, ...args) {
  const { code, output } = await actors(w.server.url, args);
  assert.equal(code, 0, output);
  return output;
}

/** The same, as JSON.
 * @param {World} w
 * @param {...string} args */
async function json(w, ...args) {
  return JSON.parse(await said(w, ...args, '--json'));
}

/** @param {any} list */
const idsOf = (list) => list.actors.map((/** @type {any} */ actor) => actor.id);

for (const loops of ['1', '2']) {
  /** A test with a server of its own.
   * @param {string} name
   * @param {(w: World, restart: () => Promise<void>) => Promise<void>} body */
  const on = (name, body) =>
    test(`${name}, on ${loops} loops`, { timeout: testTimeoutMs }, async () => {
      const w = new World();
      const args = ['--loops', loops];
      await w.start({ args });
      try {
        await body(w, async () => {
          const { dataDir, port } = w.server;
          await w.server.kelpie.stop('SIGKILL');
          await w.startServer(w.proxy.url, { dataDir, port, args });
        });
      } finally {
        await w.stop();
      }
    });

  on('list shows what is in memory, and what is stored', async (w, restart) => {
    const made = [];
    for (let i = 0; i < 5; ++i) made.push((await w.agent()).id);
    made.sort();
    assert.deepEqual(idsOf(await json(w, 'list')), made);
    assert.deepEqual(idsOf(await json(w, 'list', 'agent/default')), made);
    assert.deepEqual(idsOf(await json(w, 'list', 'agents')), []);
    const table = await said(w, 'list');
    assert.match(table, /^ACTOR +TURN +PAUSED +WAITING +DOES\n/);
    for (const id of made) assert.match(table, new RegExp(`^agent/default/${id} +1 +-`, 'm'));
    await restart();
    assert.deepEqual(idsOf(await json(w, 'list')), []);
    const first = await json(w, 'list', '--stored', '--limit', '3');
    const rest = await json(w, 'list', '--stored', '--limit', '3', '--cursor', first.next);
    assert.deepEqual([...idsOf(first), ...idsOf(rest)], made);
    assert.equal(rest.next, null);
    const more = await said(w, 'list', '--stored', '--limit', '3');
    assert.ok(more.includes(`--cursor ${first.next}\n`), more);
  });

  on('show and explain say what an agent is, and whose', async (w) => {
    const { id } = await w.agent();
    const actor = `agent/default/${id}`;
    const shown = await said(w, 'show', actor);
    assert.match(shown, new RegExp(`^actor +${actor}\nturn +1\npaused +-\n`));
    assert.match(shown, /^in memory +yes, idle \d+ s, 0 calls wait$/m);
    assert.match(shown, /^inbox +0$/m);
    const explained = await said(w, 'explain', actor);
    assert.match(explained, /^owner +local(\/1)?$/m);
    assert.match(explained, /^state +active$/m);
    assert.match(explained, /^joined +\d{4}-\d\d-\d\dT/m);
    assert.match(explained, /^why .*owns every actor of its loop by its epoch.* in memory/m);
    const facts = await json(w, 'explain', actor);
    assert.equal(facts.owner.generation, facts.written_by_generation);
  });

  on('a paused agent answers 503 until it is resumed, also after kill -9', async (w, restart) => {
    const { id } = await w.agent();
    const actor = `agent/default/${id}`;
    assert.equal(await said(w, 'pause', actor), `${actor} is paused\n`);
    assert.equal(await said(w, 'pause', actor), `${actor} was paused before\n`);
    const other = await w.agent();
    for (const again of [restart, async () => {}]) {
      const refused = await failure(w.send(id, 'hello'));
      assert.equal(refused.status, 503);
      assert.match(refused.message, /is paused by an operator.*`kelpie actors resume`/);
      assert.match(await said(w, 'show', actor), /^paused +yes$/m);
      await w.send(other.id, 'not you');
      await again();
    }
    assert.equal(await said(w, 'resume', actor), `${actor} goes on\n`);
    assert.equal((await w.send(id, 'hello')).stop_reason.stop_reason, 'end_turn');
    assert.equal(await said(w, 'resume', actor), `${actor} was not paused\n`);
  });

  on('a run that is paused goes on when it is resumed', async (w) => {
    const { id } = await w.agent({ model: 'openai/offline' });
    /** @type {() => void} */
    let release = () => {};
    const held = new Promise((resolve) => (release = () => resolve(undefined)));
    const asked = new Promise((resolve) => {
      w.proxy.hook = async () => {
        resolve(undefined);
        await held;
        return false;
      };
    });
    const pending = w.send(id, 'in flight');
    await asked;
    await said(w, 'pause', `agent/default/${id}`);
    release();
    await w.server.kelpie.said(/could not be stored yet.*is paused by an operator/);
    await said(w, 'resume', `agent/default/${id}`);
    assert.equal((await pending).stop_reason.stop_reason, 'end_turn');
  });

  on('an agent that is deactivated leaves memory, and comes back', async (w) => {
    const { id } = await w.agent();
    const actor = `agent/default/${id}`;
    assert.match(await said(w, 'deactivate', actor), /leaves memory/);
    // It ends by itself, a moment after the answer.
    while (idsOf(await json(w, 'list')).length > 0);
    assert.match(await said(w, 'show', actor), /^in memory +no$/m);
    assert.match(await said(w, 'deactivate', actor), /was not in memory/);
    await w.send(id, 'come back');
    assert.deepEqual(idsOf(await json(w, 'list')), [id]);
  });
}

test('inboxes, reminders, and what does not exist', { timeout: testTimeoutMs }, async () => {
  const w = new World();
  await w.start();
  try {
    const { id } = await w.agent();
    const actor = `agent/default/${id}`;
    assert.equal(await said(w, 'inbox', actor), '0 messages wait\n0 messages are parked\n');
    assert.equal(await said(w, 'reminders', actor), '0 reminders\n');
    const stamp = '0'.repeat(24);
    for (const [args, code, text] of /** @type {[string[], number, RegExp][]} */ ([
      [['show', `agent/default/${unknownAgentId}`], 1, /answered 404: no actor agent\/default\//],
      [['pause', `agent/default/${unknownAgentId}`], 1, /answered 404: nothing is stored of/],
      [['pause', 'ghost/default/x'], 1, /answered 404: no actor type is named ghost/],
      [['inbox', actor, '--retry', stamp], 1, /answered 404: no such message is parked/],
      [['inbox', actor, '--drop', 'x'], 1, /answered 422: .*24 hexadecimal digits/],
      [['list', '--limit', '0'], 1, /answered 422: .*1 to 1000/],
      [['show', 'agent'], 2, /expected an actor as type\/namespace\/id, got "agent"/],
      [['show'], 2, /actor is required/],
    ])) {
      const refused = await actors(w.server.url, args);
      assert.equal(refused.code, code, refused.output);
      assert.match(refused.output, text);
    }
    assert.deepEqual(idsOf(await json(w, 'list', '--stored')), [id]);
    const nobody = await actors('http://127.0.0.1:1', ['list']);
    assert.equal(nobody.code, 1);
    assert.match(nobody.output, /127\.0\.0\.1:1/);
  } finally {
    await w.stop();
  }
});

test('a server with a key wants it', { timeout: testTimeoutMs }, async () => {
  const key = 'a-horse-of-the-water';
  const locked = await startServer({ env: { KELPIE_API_KEY: key } });
  try {
    for (const env of [{}, { KELPIE_API_KEY: 'wrong' }]) {
      const refused = await actors(locked.url, ['list'], env);
      assert.equal(refused.code, 1);
      assert.match(refused.output, /answered 401: Unauthorized/);
    }
    const allowed = await actors(locked.url, ['list'], { KELPIE_API_KEY: key });
    assert.equal(allowed.code, 0, allowed.output);
  } finally {
    await locked.kelpie.stop();
  }
});

test('numbers of actors are among the metrics', { timeout: testTimeoutMs }, async () => {
  const w = new World();
  await w.start({ args: ['--loops', '2'] });
  try {
    await w.agent();
    const { text } = await w.api('GET', '/metrics');
    let turns = 0;
    for (const loop of ['0', '1']) {
      const found = text.match(
        new RegExp(`^kelpie_actor_turns_total\\{type="agent",loop="${loop}"\\} (\\d+)$`, 'm'),
      );
      assert.ok(found, text);
      turns += Number(found[1]);
      assert.match(
        text,
        new RegExp(`^kelpie_actor_conflicts_total\\{loop="${loop}"\\} \\d+$`, 'm'),
      );
      assert.match(
        text,
        new RegExp(
          `^kelpie_actor_turn_seconds_bucket\\{type="agent",loop="${loop}",le="\\+Inf"\\} \\d+$`,
          'm',
        ),
      );
    }
    assert.equal(turns, 1);
  } finally {
    await w.stop();
  }
});
