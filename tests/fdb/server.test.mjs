// @ts-check
// The server on a real FoundationDB cluster: what was answered is there after `kill -9`, and of two
// servers only the newer one writes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from '../e2e/lib/kelpie.mjs';

const cluster = process.env.KELPIE_TEST_CLUSTER;
assert.ok(cluster, 'KELPIE_TEST_CLUSTER names no cluster file');
const store = ['--fdb-cluster-file', cluster];

/** @param {string} url
 *  @param {string} method
 *  @param {string} path
 *  @param {unknown} [body]
 *  @returns {Promise<{ status: number, json: any }>} */
async function call(url, method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

/** @param {string} url
 *  @param {string} id
 *  @param {string} content */
const send = (url, id, content) =>
  call(url, 'POST', `/v1/agents/${id}/messages`, { messages: [{ role: 'user', content }] });

/** @param {string} url
 *  @param {string} id */
async function userTexts(url, id) {
  const { json } = await call(url, 'GET', `/v1/agents/${id}/messages?order=asc&limit=100`);
  return json
    .filter((/** @type {any} */ m) => m.message_type === 'user_message')
    .map((/** @type {any} */ m) => m.content);
}

for (const loops of ['1', '2']) {
  test(`what was answered is there after kill -9, on ${loops} loops`, async () => {
    const first = await startServer({ store, args: ['--loops', loops] });
    const created = await call(first.url, 'POST', '/v1/agents/', {
      name: 'survivor',
      model: 'kelpie/offline',
      memory_blocks: [{ label: 'human', value: 'notes:' }],
    });
    assert.equal(created.status, 200);
    const id = created.json.id;
    for (const text of ['one', 'two', 'three']) {
      assert.equal((await send(first.url, id, text)).status, 200);
    }
    const before = await call(first.url, 'GET', `/v1/agents/${id}/messages?order=asc`);
    await first.kelpie.stop('SIGKILL');
    const second = await startServer({ store, args: ['--loops', loops] });
    const after = await call(second.url, 'GET', `/v1/agents/${id}/messages?order=asc`);
    assert.deepEqual(after.json, before.json);
    assert.equal((await send(second.url, id, 'four')).status, 200);
    assert.deepEqual(await userTexts(second.url, id), ['one', 'two', 'three', 'four']);
    assert.equal((await call(second.url, 'DELETE', `/v1/agents/${id}`)).status, 200);
    assert.equal((await call(second.url, 'GET', `/v1/agents/${id}`)).status, 404);
    assert.equal((await second.kelpie.stop('SIGTERM')).code, 0);
  });
}

test('a second server takes the cluster over, and the first writes nothing more', async () => {
  const older = await startServer({ store, args: ['--loops', '2'] });
  const { json } = await call(older.url, 'POST', '/v1/agents/', {
    name: 'contested',
    model: 'kelpie/offline',
    memory_blocks: [{ label: 'human', value: 'notes:' }],
  });
  assert.equal((await send(older.url, json.id, 'to the older')).status, 200);
  const newer = await startServer({ store });
  assert.equal((await send(newer.url, json.id, 'to the newer')).status, 200);
  const refused = await send(older.url, json.id, 'to the older again').catch(() => ({ status: 0 }));
  assert.notEqual(refused.status, 200);
  assert.equal((await older.kelpie.ended()).code, 1);
  assert.deepEqual(await userTexts(newer.url, json.id), ['to the older', 'to the newer']);
  assert.equal((await newer.kelpie.stop('SIGTERM')).code, 0);
});
