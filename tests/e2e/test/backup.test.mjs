// @ts-check
// The restore drill: a backup of a server that is at work, and what becomes of it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { it, ofType, textOf, world, World } from '../lib/fixture.mjs';
import { Kelpie, startServer, temporaryDirectory } from '../lib/kelpie.mjs';

const rowsFile = 'rows.kelpie';

/** Runs a verb to its end.
 * @param {string[]} args
 * @param {Record<string, string>} env */
async function run(args, env = {}) {
  const kelpie = new Kelpie(args, env);
  const { code } = await kelpie.ended();
  return { code, output: kelpie.output };
}

/** @param {string} url
 *  @param {string} to
 *  @param {Record<string, string>} env */
async function backup(url, to, env = {}) {
  return await run(['backup', '--server', url, '--to', to], env);
}

/** @param {string} from
 *  @param {string} dataDir */
async function restore(from, dataDir) {
  return await run(['restore', '--from', from, '--data-dir', dataDir]);
}

/** A backup that was taken, and its directory.
 * @param {string} url */
async function taken(url) {
  const to = join(temporaryDirectory('backup'), 'b');
  const done = await backup(url, to);
  assert.equal(done.code, 0, done.output);
  return to;
}

/** The texts of what a user said to an agent, as a server on that data directory lists them.
 * @param {string} dataDir
 * @param {string} agentId
 * @param {string[]} args */
async function saidTo(dataDir, agentId, args = []) {
  const restored = new World();
  restored.server = await startServer({ dataDir, args });
  restored.client = restored.clientWith({});
  try {
    const history = await restored.history(agentId);
    await restored.send(agentId, 'after the restore');
    // A run that the backup's moment fell into is resumed, and adds its reply.
    const added = (await restored.history(agentId)).length - history.length;
    assert.ok(added === 2 || added === 3, `${added} messages more`);
    return ofType(history, 'user_message').map(textOf);
  } finally {
    await restored.server.kelpie.stop();
  }
}

const w = world();

it('a restored server has everything that was acknowledged before the backup began', async () => {
  const agents = await Promise.all([w.agent(), w.agent(), w.agent()]);
  /** @type {string[][]} */
  const said = agents.map(() => []);
  const large = 'large '.repeat(50_000);
  await Promise.all(
    agents.map(async (agent, i) => {
      for (const text of ['one', large, 'three']) {
        await w.send(agent.id, text);
        said[i]?.push(text);
      }
    }),
  );
  const acknowledged = said.map((texts) => [...texts]);
  // The server goes on working while the backup is taken.
  let working = true;
  const work = agents.map(async (agent, i) => {
    for (let n = 0; working; ++n) {
      const text = `while it is taken ${n}`;
      said[i]?.push(text);
      await w.send(agent.id, text);
    }
  });
  const from = await taken(w.server.url);
  working = false;
  await Promise.all(work);
  const manifest = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
  assert.equal(manifest.engine, 'rocksdb');
  assert.equal(manifest.file_bytes, statSync(join(from, rowsFile)).size);

  const dataDir = join(temporaryDirectory('restored'), 'd');
  const restored = await restore(from, dataDir);
  assert.equal(restored.code, 0, restored.output);
  assert.match(restored.output, new RegExp(`restored ${manifest.rows} rows`));
  for (const [i, agent] of agents.entries()) {
    const found = await saidTo(dataDir, agent.id, ['--loops', String(1 + (i % 2))]);
    const known = acknowledged[i] ?? [];
    assert.deepEqual(found.slice(0, known.length), known);
    // What came later is there from its beginning on, in order, up to the backup's moment.
    const rest = found.slice(known.length);
    assert.deepEqual(rest, (said[i] ?? []).slice(known.length, known.length + rest.length));
  }
});

it('a server that keeps all in memory has a backup too', async () => {
  const memory = new World();
  const kelpie = new Kelpie(['serve', '--memory-only', '--listen', '127.0.0.1:0']);
  await kelpie.said(/ready on http:\/\/127\.0\.0\.1:\d+/);
  const url = /ready on (http:\S+)/.exec(kelpie.output)?.[1] ?? '';
  memory.server = { kelpie, port: 0, dataDir: '', url };
  memory.client = memory.clientWith({});
  const agent = await memory.agent();
  await memory.send(agent.id, 'in memory');
  const from = await taken(url);
  await kelpie.stop();
  const dataDir = join(temporaryDirectory('restored'), 'd');
  assert.equal((await restore(from, dataDir)).code, 0);
  assert.deepEqual(await saidTo(dataDir, agent.id), ['in memory']);
});

it('a damaged or cut backup is refused, and nothing is made of it', async () => {
  const from = await taken(w.server.url);
  const whole = readFileSync(join(from, rowsFile));
  const dataDir = join(temporaryDirectory('restored'), 'd');
  const bad = {
    flipped: Buffer.from(whole.map((byte, at) => (at === whole.length >> 1 ? byte ^ 1 : byte))),
    cut: whole.subarray(0, whole.length - 1),
    empty: Buffer.alloc(0),
    other: Buffer.from('{"not":"a backup"}'),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const directory = temporaryDirectory('bad');
    writeFileSync(join(directory, rowsFile), bytes);
    const refused = await restore(directory, dataDir);
    assert.equal(refused.code, 1, `${name}: ${refused.output}`);
    assert.match(refused.output, /rows\.kelpie: /, name);
    assert.ok(!existsSync(dataDir), name);
  }
});

it('a target that is not empty is refused', async () => {
  const from = await taken(w.server.url);
  const used = temporaryDirectory('used');
  writeFileSync(join(used, 'precious'), 'x');
  const foreign = await restore(from, used);
  assert.equal(foreign.code, 1);
  assert.match(foreign.output, /holds precious/);
  const serving = await restore(from, w.server.dataDir);
  assert.equal(serving.code, 1);
  assert.match(serving.output, /process \d+/);
  const twice = await backup(w.server.url, from);
  assert.equal(twice.code, 1);
  assert.match(twice.output, /expected an empty directory/);
});

it('a wrong key and none are refused, and leave nothing', async () => {
  const key = 'a-horse-of-the-water';
  const locked = await startServer({ env: { KELPIE_API_KEY: key } });
  try {
    const to = join(temporaryDirectory('backup'), 'b');
    for (const env of [{}, { KELPIE_API_KEY: 'wrong' }]) {
      const refused = await backup(locked.url, to, env);
      assert.equal(refused.code, 1);
      assert.match(refused.output, /answered 401: Unauthorized/);
      assert.deepEqual(readdirSync(to), []);
    }
    const allowed = await backup(locked.url, to, { KELPIE_API_KEY: key });
    assert.equal(allowed.code, 0, allowed.output);
    assert.deepEqual(readdirSync(to).sort(), ['manifest.json', rowsFile]);
  } finally {
    await locked.kelpie.stop();
  }
});

it('a connection that is cut leaves nothing that looks like a backup', async () => {
  const whole = readFileSync(join(await taken(w.server.url), rowsFile));
  // As a server that dies: the first half of a backup, then a closed connection; and one that ends
  // its answer in good order, but too early.
  for (const end of ['cut', 'early']) {
    const liar = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.write(whole.subarray(0, whole.length >> 1), () =>
        end === 'cut' ? response.destroy() : response.end(),
      );
    });
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (liar.address());
    const to = join(temporaryDirectory('backup'), 'b');
    const failed = await backup(`http://127.0.0.1:${port}`, to);
    liar.close();
    assert.equal(failed.code, 1, failed.output);
    assert.deepEqual(readdirSync(to), [], end);
  }
});

it('a restore that has not ended is refused by the server', async () => {
  const dataDir = temporaryDirectory('restored');
  writeFileSync(join(dataDir, 'kelpie.lock'), '');
  mkdirSync(join(dataDir, 'rocksdb.restoring'));
  const refused = await run(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
  assert.equal(refused.code, 1);
  assert.match(refused.output, /restore into .* has not ended/);
});

it('a restore takes a store on this machine that lasts, and no other', async () => {
  const from = await taken(w.server.url);
  const memory = await run(['restore', '--from', from, '--memory-only']);
  assert.equal(memory.code, 1);
  const file = join(temporaryDirectory('cluster'), 'fdb.cluster');
  writeFileSync(file, 'test:abc@127.0.0.1:1\n');
  const cluster = await run(['restore', '--from', from, '--fdb-cluster-file', file]);
  assert.equal(cluster.code, 1);
  for (const { output } of [memory, cluster]) assert.match(output, /--data-dir/);
});

it('nobody listening is said as such', async () => {
  const failed = await backup('http://127.0.0.1:1', join(temporaryDirectory('backup'), 'b'));
  assert.equal(failed.code, 1);
  assert.match(failed.output, /127\.0\.0\.1:1/);
});
