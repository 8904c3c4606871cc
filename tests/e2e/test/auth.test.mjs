// @ts-check
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure, testTimeoutMs, World } from '../lib/fixture.mjs';
import { startServer, temporaryDirectory } from '../lib/kelpie.mjs';

const key = 'a-horse-of-the-water';
const keyFile = join(temporaryDirectory('key'), 'key');
writeFileSync(keyFile, `${key}\n`);
chmodSync(keyFile, 0o600);

const sources = {
  KELPIE_API_KEY: { env: { KELPIE_API_KEY: key } },
  LETTA_SERVER_PASSWORD: { env: { LETTA_SERVER_PASSWORD: key } },
  '--api-key-file': { args: ['--api-key-file', keyFile] },
};

for (const [source, options] of Object.entries(sources)) {
  test(`a key from ${source}`, { timeout: testTimeoutMs }, async (t) => {
    const w = new World();
    w.server = await startServer(options);
    try {
      await t.test('lets the official client in', async () => {
        assert.ok((await w.clientWith({ apiKey: key }).models.list()).length > 0);
      });
      await t.test('refuses a wrong one, a part of it and none', async () => {
        for (const apiKey of ['wrong', key.slice(0, -1), `${key}x`, null]) {
          const error = await failure(w.clientWith({ apiKey }).models.list());
          assert.equal(error.status, 401, String(apiKey));
          assert.deepEqual(error.error, { detail: 'Unauthorized' });
        }
      });
      await t.test('is taken in X-BARE-PASSWORD', async () => {
        const good = { 'X-BARE-PASSWORD': `password ${key}` };
        assert.equal((await w.api('GET', '/v1/agents/', undefined, good)).status, 200);
        for (const bad of [key, 'password wrong', 'password ', `Bearer ${key}`]) {
          const answer = await w.api('GET', '/v1/agents/', undefined, { 'X-BARE-PASSWORD': bad });
          assert.equal(answer.status, 401, bad);
        }
      });
      await t.test('is asked for before anything else', async () => {
        for (const [method, path] of [
          ['GET', '/v1/nothing'],
          ['POST', '/v1/agents/'],
          ['GET', '/v1/agents/agent-7'],
          ['GET', '/metrics'],
        ]) {
          const body = method === 'POST' ? '{' : undefined;
          const answer = await w.api(method ?? '', path ?? '', body);
          assert.equal(answer.status, 401, path);
          assert.deepEqual(answer.json, { detail: 'Unauthorized' });
        }
      });
      await t.test('is not asked for by health and ready', async () => {
        for (const path of ['/v1/health', '/v1/health/', '/v1/ready', '/v1/ready/']) {
          assert.equal((await w.api('GET', path)).status, 200, path);
        }
      });
      await t.test('appears nowhere in the log', async () => {
        assert.ok(!w.server.kelpie.output.includes(key), w.server.kelpie.output);
      });
    } finally {
      await w.server.kelpie.stop('SIGKILL');
    }
  });
}

test('without a key anyone is let in, with whatever key', { timeout: testTimeoutMs }, async () => {
  const w = new World();
  w.server = await startServer();
  try {
    for (const apiKey of ['anything', null]) {
      assert.ok((await w.clientWith({ apiKey }).models.list()).length > 0);
    }
  } finally {
    await w.server.kelpie.stop('SIGKILL');
  }
});
