// @ts-check
// What only shows when nothing happens for long. The waits are the server's own bounds, all at
// once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { it, world } from '../lib/fixture.mjs';
import { Raw, requestBytes } from '../lib/raw.mjs';

const headerTimeoutMs = 30_000;
const keepAliveMs = 20_000;
const slackMs = 15_000;
const w = world();

describe('bounds of silence', { concurrency: true, timeout: headerTimeoutMs + 2 * slackMs }, () => {
  test('a sender that stops in its header is told 408 and cut', async () => {
    const start = performance.now();
    const raw = new Raw(w.server.port).send('POST /v1/agents/ HTTP/1.1\r\nhost: x\r\nx-slow: ');
    await raw.until(() => raw.text().includes('\r\n\r\n'), headerTimeoutMs + slackMs);
    const response = await raw.response();
    assert.equal(response.status, 408);
    assert.equal(typeof response.json().detail, 'string');
    assert.ok(performance.now() - start > headerTimeoutMs / 2, 'not before its time');
    assert.ok(await raw.peerClosed());
  });

  test('a sender that drips does not gain time by it', async () => {
    const raw = new Raw(w.server.port).send('GET /v1/health/ HTTP/1.1\r\n');
    const drip = setInterval(() => raw.send('x: y\r\n'), 1000);
    try {
      await raw.until(() => raw.text().includes('\r\n\r\n'), headerTimeoutMs + slackMs);
      assert.equal((await raw.response()).status, 408);
    } finally {
      clearInterval(drip);
      raw.close();
    }
  });

  test('a stream whose model is silent is kept alive by pings', async () => {
    const agent = await w.agent({ model: 'openai/offline' });
    /** @type {() => void} */
    let release = () => {};
    const held = new Promise((resolve) => (release = () => resolve(undefined)));
    w.proxy.hook = async () => {
      await held;
      return false;
    };
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'x' }], streaming: true });
    const raw = new Raw(w.server.port);
    raw.send(requestBytes('POST', `/v1/agents/${agent.id}/messages`, { body }));
    const pings = () => raw.text().split('"message_type":"ping"').length - 1;
    await raw.until(() => pings() > 0, slackMs);
    const start = performance.now();
    await raw.until(() => pings() > 1, keepAliveMs + slackMs);
    assert.ok(performance.now() - start > keepAliveMs / 2, 'not before its time');
    release();
    await raw.until(() => raw.text().includes('[DONE]'), slackMs);
    assert.ok(raw.text().includes('"stop_reason":"end_turn"'), raw.text());
    raw.close();
  });
});

it('everyone else was served meanwhile', async () => {
  assert.equal((await w.api('GET', '/v1/health/')).status, 200);
});
