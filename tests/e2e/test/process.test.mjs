// @ts-check
// The binary as a process: what survives it, how it stops, and what it refuses to start with.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertWellFormed, ofType, only, testTimeoutMs, textOf, World } from '../lib/fixture.mjs';
import { freePort, Kelpie, startServer, temporaryDirectory } from '../lib/kelpie.mjs';
import { Raw, requestBytes } from '../lib/raw.mjs';

/** A test with a world of its own, since it ends the server.
 * @param {string} name
 * @param {(w: World) => Promise<void>} body */
function alone(name, body) {
  test(name, { timeout: testTimeoutMs }, async () => {
    const w = new World();
    await w.start();
    try {
      await body(w);
    } finally {
      await w.stop();
    }
  });
}

/** Everything that a client can see of an agent.
 * @param {World} w
 * @param {string} id */
async function seen(w, id) {
  return {
    agent: await w.client.agents.retrieve(id),
    history: await w.history(id),
    blocks: (await w.api('GET', `/v1/agents/${id}/core-memory/blocks`)).json,
  };
}

alone('after kill -9 everything that was acknowledged is still there', async (w) => {
  const agent = await w.agent({ name: 'Survivor', tags: ['tough'] });
  const deleted = await w.agent();
  const large = 'large '.repeat(100_000);
  await w.send(agent.id, 'one');
  await w.send(agent.id, 'call memory_insert {"label":"human","new_string":"Likes tea"}');
  await w.send(agent.id, large);
  await w.client.agents.blocks.update('persona', { agent_id: agent.id, value: 'Updated.' });
  await w.client.agents.update(agent.id, { description: 'also this' });
  await w.client.agents.delete(deleted.id);
  const before = await seen(w, agent.id);
  await w.server.kelpie.stop('SIGKILL');
  await w.restart();
  assert.deepEqual(await seen(w, agent.id), before);
  assert.equal((await w.api('GET', `/v1/agents/${deleted.id}`)).status, 404);
  const listed = (await w.api('GET', '/v1/agents/')).json;
  assert.deepEqual(
    listed.map((/** @type {any} */ found) => found.id),
    [agent.id],
  );
  await w.send(agent.id, 'after');
  const texts = ofType(await w.history(agent.id), 'user_message').map(textOf);
  assert.equal(texts.length, 4);
  assert.deepEqual([texts[0], texts[2], texts[3]], ['one', large, 'after']);
});

alone('a run that a kill interrupted ends after the restart, its message kept once', async (w) => {
  const agent = await w.agent({ model: 'openai/offline' });
  const asked = new Promise((resolve) => {
    w.proxy.hook = async () => {
      resolve(undefined);
      return await new Promise(() => {});
    };
  });
  const pending = w.send(agent.id, 'interrupted').catch(() => undefined);
  await asked;
  await w.server.kelpie.stop('SIGKILL');
  await pending;
  w.proxy.hook = undefined;
  await w.restart();
  await w.send(agent.id, 'next');
  const history = await w.history(agent.id);
  assertWellFormed(history);
  const texts = ofType(history, 'user_message').map(textOf);
  assert.equal(texts.at(-1), 'next');
  assert.ok(texts.filter((text) => text === 'interrupted').length <= 1);
});

alone('SIGTERM exits 0, and the data is there at the next start', async (w) => {
  const agent = await w.agent();
  await w.send(agent.id, 'before');
  const idle = new Raw(w.server.port).send(requestBytes('GET', '/v1/health/'));
  await idle.response();
  assert.deepEqual(await w.server.kelpie.stop('SIGTERM'), { code: 0, signal: null });
  assert.ok(await idle.peerClosed());
  await w.restart();
  assert.equal(textOf(only(await w.history(agent.id), 'user_message')), 'before');
});

alone('SIGINT exits 0 too', async (w) => {
  assert.deepEqual(await w.server.kelpie.stop('SIGINT'), { code: 0, signal: null });
});

alone('SIGTERM lets a message in flight be answered', async (w) => {
  const agent = await w.agent({ model: 'openai/offline' });
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
  const pending = w.send(agent.id, 'in flight');
  await asked;
  w.server.kelpie.child.kill('SIGTERM');
  await w.server.kelpie.said(/SIGTERM|signal|shutting|stopping|draining/i);
  release();
  assert.equal((await pending).stop_reason.stop_reason, 'end_turn');
  assert.deepEqual(await w.server.kelpie.ended(), { code: 0, signal: null });
});

alone('a second SIGTERM exits at once', async (w) => {
  const agent = await w.agent({ model: 'openai/offline' });
  const asked = new Promise((resolve) => {
    w.proxy.hook = async () => {
      resolve(undefined);
      return await new Promise(() => {});
    };
  });
  const pending = w.send(agent.id, 'never answered').catch(() => undefined);
  await asked;
  w.server.kelpie.child.kill('SIGTERM');
  await w.server.kelpie.said(/SIGTERM|signal|shutting|stopping|draining/i);
  const start = performance.now();
  w.server.kelpie.child.kill('SIGTERM');
  await w.server.kelpie.ended();
  assert.ok(performance.now() - start < 2000, 'at once');
  await pending;
});

alone('a second process on the same data refuses and names the holder', async (w) => {
  const args = [
    'serve',
    '--listen',
    `127.0.0.1:${await freePort()}`,
    '--data-dir',
    w.server.dataDir,
  ];
  const second = new Kelpie(args);
  const { code } = await second.ended();
  assert.ok(code !== null && code > 0, String(code));
  assert.match(second.output, new RegExp(`\\b${w.server.kelpie.pid}\\b`));
  assert.equal((await w.api('GET', '/v1/health/')).status, 200);
});

alone('a second process on the same port refuses and names the address', async (w) => {
  const second = new Kelpie([
    'serve',
    '--listen',
    `127.0.0.1:${w.server.port}`,
    '--data-dir',
    temporaryDirectory('other'),
  ]);
  assert.ok((await second.ended()).code !== 0);
  assert.ok(second.output.includes(String(w.server.port)), second.output);
});

/** A start that must fail, saying why.
 * @param {string} name
 * @param {RegExp} reason
 * @param {() => Promise<{ args: string[], env?: Record<string, string> }>} make */
function refuses(name, reason, make) {
  test(name, { timeout: testTimeoutMs }, async () => {
    const { args, env } = await make();
    const kelpie = new Kelpie(args, env);
    try {
      const { code } = await kelpie.ended();
      assert.ok(code !== null && code > 0, `exit code ${code}: ${kelpie.output}`);
      assert.match(kelpie.output, reason);
    } finally {
      kelpie.child.kill('SIGKILL');
    }
  });
}

for (const host of ['0.0.0.0', '[::]']) {
  refuses(`${host} without a key is refused, naming the ways out`, /--insecure/, async () => ({
    args: [
      'serve',
      '--listen',
      `${host}:${await freePort()}`,
      '--data-dir',
      temporaryDirectory('open'),
    ],
  }));
}

refuses('an unknown flag is refused by its name', /--no-such-flag/, async () => ({
  args: ['serve', '--no-such-flag'],
}));

refuses('an address that is none is refused', /listen|address/i, async () => ({
  args: ['serve', '--listen', 'nowhere', '--data-dir', temporaryDirectory('nowhere')],
}));

refuses('two stores at once are refused', /--memory-only/, async () => ({
  args: ['serve', '--memory-only', '--data-dir', temporaryDirectory('two')],
}));

refuses(
  'a cluster file that is not there is refused by its name',
  /nowhere.fdb\.cluster/,
  async () => ({
    args: ['serve', '--fdb-cluster-file', '/nowhere/fdb.cluster'],
  }),
);

refuses('a data directory that is a file is refused by its name', /a-file/, async () => {
  const path = join(temporaryDirectory('file'), 'a-file');
  writeFileSync(path, 'x');
  return { args: ['serve', '--listen', `127.0.0.1:${await freePort()}`, '--data-dir', path] };
});

refuses('a key file that is not there is refused by its name', /no-such-key/, async () => ({
  args: [
    'serve',
    '--listen',
    `127.0.0.1:${await freePort()}`,
    '--data-dir',
    temporaryDirectory('key'),
    '--api-key-file',
    '/nowhere/no-such-key',
  ],
}));

refuses('a data directory of something else is refused, not overwritten', /./, async () => {
  const path = temporaryDirectory('foreign');
  mkdirSync(join(path, 'CURRENT'), { recursive: true });
  return { args: ['serve', '--listen', `127.0.0.1:${await freePort()}`, '--data-dir', path] };
});

test(
  'an open address with a key, or with --insecure, is served',
  { timeout: testTimeoutMs },
  async () => {
    for (const options of [{ env: { KELPIE_API_KEY: 'k' } }, { args: ['--insecure'] }]) {
      const server = await startServer({ host: '0.0.0.0', ...options });
      assert.equal((await fetch(`${server.url}/v1/health/`)).status, 200);
      await server.kelpie.stop('SIGKILL');
    }
  },
);

test(
  '--memory-only warns in the words that operators look for',
  { timeout: testTimeoutMs },
  async () => {
    const port = await freePort();
    const kelpie = new Kelpie(['serve', '--listen', `127.0.0.1:${port}`, '--memory-only']);
    await kelpie.said(new RegExp(`(ready|listening|serving).*:${port}\\b`, 'i'));
    assert.ok(
      kelpie.output.includes('IN-MEMORY ONLY - data will be lost on restart!'),
      kelpie.output,
    );
    assert.equal((await fetch(`http://127.0.0.1:${port}/v1/health/`)).status, 200);
    await kelpie.stop('SIGKILL');
  },
);

test('--version names version and commit', { timeout: testTimeoutMs }, async () => {
  const kelpie = new Kelpie(['--version']);
  assert.equal((await kelpie.ended()).code, 0);
  assert.match(kelpie.output, /\d+\.\d+\.\d+.*[0-9a-f]{7,}/s);
});

test(
  'config prints values with their sources and masks secrets',
  { timeout: testTimeoutMs },
  async () => {
    const env = {
      KELPIE_API_KEY: 'very-secret-key',
      OPENAI_API_KEY: 'other-secret-key',
      KELPIE_DATA_DIR: '/somewhere/else',
    };
    const kelpie = new Kelpie(['config'], env);
    assert.equal((await kelpie.ended()).code, 0);
    assert.ok(kelpie.output.includes('/somewhere/else'), kelpie.output);
    assert.ok(kelpie.output.includes('KELPIE_DATA_DIR'), kelpie.output);
    assert.ok(!kelpie.output.includes('secret-key'), kelpie.output);
  },
);
