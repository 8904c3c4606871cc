// @ts-check
import assert from 'node:assert/strict';
import { failure, it, ofType, textOf, unknownAgentId, world } from '../lib/fixture.mjs';

/** @type {string} */ let agentId;
const w = world(async (made) => {
  agentId = (await made.agent()).id;
});

const hello = { messages: [{ role: 'user', content: 'hello' }] };

/** The shape of every refusal of a body or a parameter.
 * @param {import('../lib/fixture.mjs').Answer} answer */
function assertInvalid(answer) {
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(typeof answer.json.detail, 'string');
  assert.ok(answer.json.detail.length > 0);
  assert.equal(typeof answer.json.trace_id, 'string');
  assert.ok(Array.isArray(answer.json.examples));
}

const onUnknown = [
  ['GET', ''],
  ['DELETE', ''],
  ['PATCH', '', { name: 'x' }],
  ['GET', '/messages'],
  ['POST', '/messages', hello],
  ['POST', '/messages', { ...hello, streaming: true }],
  ['POST', '/messages/stream', hello],
  ['GET', '/core-memory/blocks'],
  ['GET', '/core-memory/blocks/human'],
  ['PATCH', '/core-memory/blocks/human', { value: 'x' }],
];
for (const [method, rest, body] of /** @type {[string, string, any][]} */ (onUnknown)) {
  for (const slash of ['', '/']) {
    it(`${method} of an unknown agent${rest}${slash} is its 404`, async () => {
      const answer = await w.api(method, `/v1/agents/${unknownAgentId}${rest}${slash}`, body);
      assert.equal(answer.status, 404, answer.text);
      assert.deepEqual(answer.json, { detail: 'Agent not found' });
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    });
  }
}

for (const id of [
  'agent-7',
  'message-00000000-0000-4000-8000-000000000000',
  'x'.repeat(300),
  '%00',
  '%ff',
]) {
  it(`an id like ${id.slice(0, 40)} is refused in the API's shape`, async () => {
    const answer = await w.api('GET', `/v1/agents/${id}`);
    assert.ok([404, 422].includes(answer.status), `${answer.status} ${answer.text}`);
    assert.equal(typeof answer.json.detail, 'string');
  });
}

for (const path of [
  '/',
  '/v1',
  '/v1/nothing',
  '/v1/agents/x/y/z',
  '/v2/agents/',
  '/v1/../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
]) {
  it(`${path} is a 404 with a detail`, async () => {
    const answer = await w.api('GET', path);
    assert.equal(answer.status, 404, answer.text);
    assert.equal(typeof answer.json.detail, 'string');
  });
}

it('a method that a path does not have is 405 with a detail', async () => {
  const answer = await w.api('DELETE', '/v1/models/');
  assert.equal(answer.status, 405, answer.text);
  assert.equal(typeof answer.json.detail, 'string');
});

const malformed = [
  '{',
  '{"messages":[',
  '{"messages":[]}x',
  'nonsense',
  '\u0000',
  '{"a":1,}',
  '["',
];
for (const body of ['', ...malformed]) {
  it(`a message body ${JSON.stringify(body)} is 422`, async () => {
    assertInvalid(await w.api('POST', `/v1/agents/${agentId}/messages`, body));
  });
}

const wrong = {
  'no object': [1],
  'no messages': {},
  'messages that are no list': { messages: 'hello' },
  'a message that is no object': { messages: ['hello'] },
  'no content': { messages: [{ role: 'user' }] },
  'content that is a number': { messages: [{ role: 'user', content: 7 }] },
  'content that is null': { messages: [{ role: 'user', content: null }] },
  'an unknown role': { messages: [{ role: 'horse', content: 'x' }] },
  'no role': { messages: [{ content: 'x' }] },
  'a part that is no object': { messages: [{ role: 'user', content: ['x'] }] },
  'streaming that is no boolean': { ...hello, streaming: { yes: 1 } },
  'max_steps that is no number': { ...hello, max_steps: 'many' },
};
for (const [what, body] of Object.entries(wrong)) {
  it(`a message body with ${what} is 422`, async () => {
    assertInvalid(await w.api('POST', `/v1/agents/${agentId}/messages`, body));
  });
}

const wrongAgents = {
  'no object': [],
  'a name that is a number': { name: 7 },
  'blocks that are no list': { memory_blocks: {} },
  'a block without a label': { memory_blocks: [{ value: 'x' }] },
  'a block without a value': { memory_blocks: [{ label: 'x' }] },
  'tags that are no list': { tags: 'x' },
  'a tag that is a number': { tags: [1] },
  'a model that is a number': { model: 7 },
  'a name with a slash': { name: 'a/b' },
  'a block over its limit': { memory_blocks: [{ label: 'human', value: 'xxx', limit: 2 }] },
};
for (const [what, body] of Object.entries(wrongAgents)) {
  it(`an agent with ${what} is 422, and is not made`, async () => {
    const count = (await w.api('GET', '/v1/agents/?limit=1000')).json.length;
    const whole = Array.isArray(body) ? body : { model: 'kelpie/offline', ...body };
    assertInvalid(await w.api('POST', '/v1/agents/', whole));
    assert.equal((await w.api('GET', '/v1/agents/?limit=1000')).json.length, count);
  });
}

for (const [name, value] of [
  ['agent_type', 'horse'],
  ['model', 'offline'],
]) {
  it(`an agent with the ${name} ${value} is refused by name and value`, async () => {
    const answer = await w.api('POST', '/v1/agents/', {
      model: 'kelpie/offline',
      [name ?? '']: value,
    });
    assert.ok([400, 422].includes(answer.status), answer.text);
    assert.ok(answer.json.detail.includes(name) && answer.json.detail.includes(value), answer.text);
  });
}

it('a part of an unknown type is refused by its type', async () => {
  const content = [{ type: 'smell', text: 'x' }];
  const answer = await w.api('POST', `/v1/agents/${agentId}/messages`, {
    messages: [{ role: 'user', content }],
  });
  assert.ok([400, 422].includes(answer.status), answer.text);
  assert.ok(answer.json.detail.includes('smell'), answer.text);
});

it('an unknown model is refused by its name', async () => {
  for (const model of ['nobody/nothing', 'kelpie/nothing']) {
    const error = await failure(w.agent({ model }));
    assert.ok([400, 404].includes(error.status), String(error.status));
    assert.ok(error.error.detail.includes(model), error.error.detail);
  }
});

it('an unknown tool is refused so that clients recover', async () => {
  const error = await failure(w.agent({ tools: ['no_such_tool'] }));
  assert.equal(error.status, 400);
  assert.match(error.error.detail, /tools not found by name/i);
  assert.ok(error.error.detail.includes('no_such_tool'));
});

it('two blocks of one label are refused', async () => {
  const blocks = [
    { label: 'human', value: 'a' },
    { label: 'human', value: 'b' },
  ];
  const error = await failure(w.agent({ memory_blocks: blocks }));
  assert.ok([400, 409, 422].includes(error.status), String(error.status));
});

it('JSON of absurd depth is refused', async () => {
  const deep = '['.repeat(100_000);
  assertInvalid(await w.api('POST', `/v1/agents/${agentId}/messages`, deep));
  const closed = `{"messages":${deep}${']'.repeat(100_000)}}`;
  assertInvalid(await w.api('POST', `/v1/agents/${agentId}/messages`, closed));
});

for (const content of ['a\\u0000b', '\\ud800', '\\udc00\\ud800']) {
  it(`a message of ${content} is kept or refused, never half of it`, async () => {
    const agent = await w.agent();
    const body = `{"messages":[{"role":"user","content":"${content}"}]}`;
    const answer = await w.api('POST', `/v1/agents/${agent.id}/messages`, body);
    const users = ofType(await w.history(agent.id), 'user_message');
    if (answer.status === 200) {
      assert.equal(users.length, 1);
      assert.equal(textOf(users[0]).length, JSON.parse(`"${content}"`).length);
    } else {
      assertInvalid(answer);
      assert.equal(users.length, 0);
    }
  });
}

it('a message that no transaction holds is 413 with size and limit, and is not kept', async () => {
  const agent = await w.agent();
  const error = await failure(w.send(agent.id, 'x'.repeat(12_000_000)));
  assert.equal(error.status, 413);
  const numbers = (error.error.detail.match(/\d[\d,_]*/g) ?? []).map(
    (/** @type {string} */ digits) => Number(digits.replace(/[,_]/g, '')),
  );
  assert.ok(
    numbers.some((/** @type {number} */ size) => size >= 12_000_000),
    error.error.detail,
  );
  assert.ok(
    numbers.some((/** @type {number} */ limit) => limit <= 10_000_000 && limit >= 1_000_000),
    error.error.detail,
  );
  assert.equal(ofType(await w.history(agent.id), 'user_message').length, 0);
  assert.equal((await w.send(agent.id, 'small')).stop_reason.stop_reason, 'end_turn');
});

it('the server still answers after all of this', async () => {
  assert.equal((await w.send(agentId, 'well?')).stop_reason.stop_reason, 'end_turn');
});
