// @ts-check
// Bytes that no well-behaved client sends. Each gets a clear answer, and the server goes on.
import assert from 'node:assert/strict';
import { it, only, ofType, textOf, world } from '../lib/fixture.mjs';
import { Raw, requestBytes } from '../lib/raw.mjs';

/** @type {string} */ let agentId;
const w = world(async (made) => {
  agentId = (await made.agent()).id;
});

const health = requestBytes('GET', '/v1/health/');
const post = 'POST /v1/agents/ HTTP/1.1\r\nhost: 127.0.0.1\r\n';

/** @param {string} content */
function message(content) {
  return JSON.stringify({ messages: [{ role: 'user', content }] });
}

/** Sends bytes on a connection of their own.
 * @param {string | Buffer} bytes */
async function exchange(bytes) {
  const raw = new Raw(w.server.port).send(bytes);
  const response = await raw.response();
  return { raw, response };
}

/** Checks a refusal in the API's shape, after which the connection is closed.
 * @param {string | Buffer} bytes
 * @param {number[]} statuses */
async function assertRefused(bytes, statuses) {
  const { raw, response } = await exchange(bytes);
  assert.ok(statuses.includes(response.status), `${response.status} ${response.body}`);
  assert.equal(typeof response.json().detail, 'string');
  assert.ok(await raw.peerClosed());
  raw.close();
  const next = await exchange(health);
  assert.equal(next.response.status, 200);
  next.raw.close();
}

it('a header bomb is 431', async () => {
  const line = `x-bomb: ${'b'.repeat(1000)}\r\n`;
  await assertRefused(`GET /v1/health/ HTTP/1.1\r\nhost: 127.0.0.1\r\n${line.repeat(200)}\r\n`, [431]);
});

it('one endless header line is 431', async () => {
  await assertRefused(`GET /v1/health/ HTTP/1.1\r\nx: ${'b'.repeat(200_000)}`, [431]);
});

it('an endless request line is refused', async () => {
  await assertRefused(`GET /${'b'.repeat(200_000)}`, [400, 414, 431]);
});

it('a body over the limit is 413 before it is sent', async () => {
  const headers = { 'content-length': '999999999', 'content-type': 'application/json' };
  await assertRefused(requestBytes('POST', `/v1/agents/${agentId}/messages`, { headers }), [413]);
});

it('a chunked body over the limit is 413', async () => {
  const head = requestBytes('POST', `/v1/agents/${agentId}/messages`, {
    headers: { 'transfer-encoding': 'chunked', 'content-type': 'application/json' },
  });
  const chunk = Buffer.concat([
    Buffer.from('100000\r\n'),
    Buffer.alloc(0x100000, 'x'),
    Buffer.from('\r\n'),
  ]);
  const raw = new Raw(w.server.port).send(head);
  for (let n = 0; n < 40 && !raw.closed; ++n) raw.send(chunk);
  const response = await raw.response();
  assert.equal(response.status, 413);
  assert.equal(typeof response.json().detail, 'string');
  raw.close();
});

for (const [what, bytes] of Object.entries({
  'no HTTP at all': 'hello server, how are you?\r\n\r\n',
  'a TLS greeting': Buffer.from('160301020001fc0303aaaaaaaaaaaaaaaa0d0a0d0a', 'hex'),
  'a space before the colon': 'GET /v1/health/ HTTP/1.1\r\nhost : x\r\n\r\n',
  'a negative length': post + 'content-length: -1\r\n\r\n',
  'a length that is no number':
    post + 'content-length: 1x\r\n\r\n',
  'two lengths':
    post + 'content-length: 2\r\ncontent-length: 3\r\n\r\n{}',
  'a length and chunks':
    post + 'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk size that is no number':
    post + 'transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'a chunk size that overflows':
    post + 'transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n',
  'a NUL in a header': 'GET /v1/health/ HTTP/1.1\r\nhost: 127.0.0.1\r\nx: a\u0000b\r\n\r\n',
})) {
  it(`${what} is 400`, async () =>
    assertRefused(bytes, what.includes('overflows') ? [400, 413] : [400]));
}

it('an unknown version is 505', async () => {
  await assertRefused('GET /v1/health/ HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n', [505]);
});

it('a half-closed socket is still answered', async () => {
  const raw = new Raw(w.server.port);
  raw.send(
    requestBytes('POST', `/v1/agents/${agentId}/messages`, { body: message('half-closed') }),
  );
  raw.socket.end();
  const response = await raw.response();
  assert.equal(response.status, 200);
  assert.equal(response.json().stop_reason.stop_reason, 'end_turn');
  raw.close();
});

it('a request that stops half way is not acted on', async () => {
  const agent = await w.agent();
  const whole = requestBytes('POST', `/v1/agents/${agent.id}/messages`, {
    body: message('cut off'),
  });
  const raw = new Raw(w.server.port).send(whole.subarray(0, whole.length - 5));
  raw.socket.end();
  await raw.peerClosed();
  assert.equal(ofType(await w.history(agent.id), 'user_message').length, 0);
});

it('a request that arrives byte by byte is answered', async () => {
  const raw = new Raw(w.server.port);
  raw.socket.setNoDelay(true);
  const bytes = requestBytes('POST', `/v1/agents/${agentId}/messages`, { body: message('drip') });
  for (const byte of bytes) {
    await new Promise((resolve) => raw.socket.write(Buffer.of(byte), resolve));
  }
  assert.equal((await raw.response()).status, 200);
  raw.close();
});

it('a chunked body is read as one', async () => {
  const agent = await w.agent();
  const body = message('in chunks');
  const headers = { 'transfer-encoding': 'chunked', 'content-type': 'application/json' };
  const raw = new Raw(w.server.port).send(
    requestBytes('POST', `/v1/agents/${agent.id}/messages`, { headers }),
  );
  for (const part of [body.slice(0, 7), body.slice(7)]) {
    raw.send(`${part.length.toString(16)};extension=1\r\n${part}\r\n`);
  }
  raw.send('0\r\nx-trailer: 1\r\n\r\n');
  assert.equal((await raw.response()).status, 200);
  assert.equal(textOf(only(await w.history(agent.id), 'user_message')), 'in chunks');
  raw.close();
});

it('requests in one packet are answered in order on one connection', async () => {
  const raw = new Raw(w.server.port);
  const missing = requestBytes('GET', '/v1/agents/agent-00000000-0000-4000-8000-00000000dead');
  const post = requestBytes('POST', `/v1/agents/${agentId}/messages`, {
    body: message('pipelined'),
  });
  raw.send(Buffer.concat([post, missing, health]));
  const statuses = [];
  for (let n = 0; n < 3; ++n) statuses.push((await raw.response()).status);
  assert.deepEqual(statuses, [200, 404, 200]);
  raw.close();
});

it('a client that waits for 100 is told to go on', async () => {
  const body = message('may I?');
  const headers = {
    expect: '100-continue',
    'content-length': String(body.length),
    'content-type': 'application/json',
  };
  const raw = new Raw(w.server.port).send(
    requestBytes('POST', `/v1/agents/${agentId}/messages`, { headers }),
  );
  assert.equal((await raw.response({ interim: true })).status, 100);
  raw.send(body);
  assert.equal((await raw.response()).status, 200);
  raw.close();
});

it('HTTP/1.0 and connection: close end the connection after the answer', async () => {
  for (const head of [
    'GET /v1/health/ HTTP/1.0\r\n\r\n',
    'GET /v1/health/ HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n',
  ]) {
    const { raw, response } = await exchange(head);
    assert.equal(response.status, 200);
    assert.ok(await raw.peerClosed());
    raw.close();
  }
});

it('HEAD of health has no body', async () => {
  const raw = new Raw(w.server.port).send(
    requestBytes('HEAD', '/v1/health/', { headers: { connection: 'close' } }),
  );
  await raw.peerClosed();
  assert.match(raw.text(), /^HTTP\/1\.1 (200|404|405) /);
  assert.ok(raw.text().endsWith('\r\n\r\n'), raw.text());
  raw.close();
});

for (const [what, bytes] of Object.entries({
  'a stray byte': [0xff],
  'an overlong slash': [0xc0, 0xaf],
  'half a character': [0xe6, 0xb0],
  'a surrogate': [0xed, 0xa0, 0x80],
  'beyond Unicode': [0xf5, 0x80, 0x80, 0x80],
})) {
  it(`text with ${what} is refused, and nothing is stored`, async () => {
    const agent = await w.agent();
    const [head, tail] = message('@').split('@');
    const body = Buffer.concat([
      Buffer.from(head ?? ''),
      Buffer.from(bytes),
      Buffer.from(tail ?? ''),
    ]);
    const path = `/v1/agents/${agent.id}/messages`;
    const { raw, response } = await exchange(requestBytes('POST', path, { body }));
    assert.ok([400, 422].includes(response.status), `${response.status}`);
    assert.equal(typeof response.json().detail, 'string');
    assert.equal(ofType(await w.history(agent.id), 'user_message').length, 0);
    raw.close();
  });
}

it('a query that is no UTF-8 is refused', async () => {
  const { raw, response } = await exchange(requestBytes('GET', '/v1/agents/?name=%ff%fe'));
  assert.ok(response.status === 200 || response.status === 422 || response.status === 400);
  assert.ok(response.status !== 200 || response.json().length === 0);
  raw.close();
});

it('a thousand idle connections keep nobody out', async () => {
  const idle = Array.from({ length: 1000 }, () => new Raw(w.server.port));
  await Promise.all(idle.map((raw) => raw.connected()));
  assert.equal((await w.api('GET', '/v1/health/')).status, 200);
  for (const raw of idle) raw.close();
});

it('connections cut at every point of a request harm nobody', async () => {
  const bytes = requestBytes('POST', `/v1/agents/${agentId}/messages`, { body: message('cut') });
  for (let at = 0; at < bytes.length; at += 3) {
    const raw = new Raw(w.server.port);
    await new Promise((resolve) => raw.socket.write(bytes.subarray(0, at || 1), resolve));
    raw.socket.resetAndDestroy();
  }
  assert.equal((await w.send(agentId, 'all well?')).stop_reason.stop_reason, 'end_turn');
});
