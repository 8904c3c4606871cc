// @ts-check
import assert from 'node:assert/strict';
import { it, world } from '../lib/fixture.mjs';

const insertTea = 'call memory_insert {"label":"human","new_string":"Likes tea"}';
/** @type {string} */ let agentId;
/** @type {any[]} oldest first, read in one page */ let all;
/** Ids of the stored messages, oldest first. @type {string[]} */ let ids;

const w = world(async (made) => {
  agentId = (await made.agent()).id;
  for (let n = 0; n < 4; ++n) await made.send(agentId, `message ${n}`);
  await made.send(agentId, insertTea);
  await made.send(agentId, 'last');
  all = await page('order=asc&limit=1000');
  ids = storedIds(all);
});

/** @param {string} query */
async function page(query) {
  const answer = await w.api('GET', `/v1/agents/${agentId}/messages?${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(Array.isArray(answer.json));
  return answer.json;
}

/** @param {any[]} messages */
function storedIds(messages) {
  return [...new Set(messages.map((message) => message.id))];
}

it('the history is complete and in order', async () => {
  const types = all
    .map((message) => message.message_type)
    .filter((type) => type !== 'system_message');
  const plain = ['user_message', 'assistant_message'];
  assert.deepEqual(types, [
    ...plain,
    ...plain,
    ...plain,
    ...plain,
    'user_message',
    'tool_call_message',
    'tool_return_message',
    'assistant_message',
    ...plain,
  ]);
  const dates = all.map((message) => message.date);
  assert.deepEqual(dates, [...dates].sort());
});

it('newest first is the default, with 100 to a page', async () => {
  assert.deepEqual(storedIds(await page('')), [...ids].reverse());
  assert.deepEqual(storedIds(await page('order=desc&limit=100')), [...ids].reverse());
});

for (const order of /** @type {const} */ (['asc', 'desc'])) {
  for (const limit of [1, 2, 3, 5, 100]) {
    it(`the client pages ${order} by ${limit} to the end, each message once`, async () => {
      const listed = [];
      for await (const message of w.client.agents.messages.list(agentId, { order, limit })) {
        listed.push(message);
      }
      const expected = order === 'asc' ? ids : [...ids].reverse();
      assert.deepEqual(storedIds(listed), expected);
      assert.equal(listed.length, all.length);
    });
  }

  it(`a page ${order} holds as many stored messages as its limit, each of them whole`, async () => {
    const expected = order === 'asc' ? ids : [...ids].reverse();
    for (let limit = 1; limit <= ids.length; ++limit) {
      const listed = await page(`order=${order}&limit=${limit}`);
      assert.deepEqual(storedIds(listed), expected.slice(0, limit));
      const kept = all.filter((message) => expected.slice(0, limit).includes(message.id));
      assert.equal(listed.length, kept.length);
    }
  });

  it(`after and before mean the returned order, ${order}`, async () => {
    const expected = order === 'asc' ? ids : [...ids].reverse();
    for (const [at, id] of expected.entries()) {
      const later = await page(`order=${order}&after=${id}`);
      assert.deepEqual(storedIds(later), expected.slice(at + 1));
      const earlier = await page(`order=${order}&before=${id}`);
      assert.deepEqual(storedIds(earlier), expected.slice(0, at));
    }
  });

  it(`after and before together bound the page, ${order}`, async () => {
    const expected = order === 'asc' ? ids : [...ids].reverse();
    const listed = await page(`order=${order}&after=${expected[1]}&before=${expected[5]}`);
    assert.deepEqual(storedIds(listed), expected.slice(2, 5));
  });

  it(`the client pages backwards from before to the start, ${order}`, async () => {
    const expected = order === 'asc' ? ids : [...ids].reverse();
    const last = expected.at(-1) ?? '';
    const seen = new Set();
    const query = { order, limit: 2, before: last };
    for await (const message of w.client.agents.messages.list(agentId, query)) seen.add(message.id);
    assert.deepEqual([...seen].sort(), expected.slice(0, -1).sort());
  });
}

it('an unknown cursor and the last one are an empty page', async () => {
  const unknown = 'message-00000000-0000-4000-8000-00000000dead';
  assert.deepEqual(await page(`order=asc&after=${unknown}`), []);
  assert.deepEqual(await page(`order=asc&after=${ids.at(-1)}`), []);
  assert.deepEqual(await page(`order=desc&after=${ids[0]}`), []);
});

it('a page is the same when it is asked for again after new messages', async () => {
  const again = await page(`order=asc&after=${ids[0]}&limit=4`);
  await w.send(agentId, 'newer');
  assert.deepEqual(await page(`order=asc&after=${ids[0]}&limit=4`), again);
});

for (const query of ['limit=0', 'limit=-1', 'limit=many', 'order=sideways']) {
  it(`${query} is 422`, async () => {
    const answer = await w.api('GET', `/v1/agents/${agentId}/messages?${query}`);
    assert.equal(answer.status, 422, answer.text);
    assert.equal(typeof answer.json.detail, 'string');
  });
}
