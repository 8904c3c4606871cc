// @ts-check
// Models that fail: what the client is told, and what is left behind.
import assert from 'node:assert/strict';
import { assertWellFormed, failure, it, ofType, only, textOf, world } from '../lib/fixture.mjs';
import { frames } from '../lib/sse.mjs';

const w = world();

/** @param {number} status
 *  @param {string} text
 *  @param {Record<string, string>} headers
 *  @param {number} times
 *  @returns {import('../lib/proxy.mjs').Hook} */
function answerWith(status, text, headers = {}, times = Infinity) {
  let left = times;
  return (_, response) => {
    if (left-- <= 0) return false;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text);
    return true;
  };
}

const refusal = JSON.stringify({ error: { message: 'not today', type: 'x', code: null } });

it('a model that is busy once is asked again, and the answer is committed once', async () => {
  for (const status of [429, 500, 503]) {
    const agent = await w.agent({ model: 'openai/offline' });
    w.proxy.hook = answerWith(status, refusal, { 'retry-after': '0' }, 1);
    const reply = await w.send(agent.id, `busy ${status}`);
    w.proxy.hook = undefined;
    assert.equal(reply.stop_reason.stop_reason, 'end_turn');
    only(await w.history(agent.id), 'user_message');
    only(await w.history(agent.id), 'assistant_message');
  }
});

for (const [what, status, hook, type] of /** @type {const} */ ([
  ['that refuses the key', 401, answerWith(401, refusal), 'llm_authentication'],
  ['that refuses the request', 400, answerWith(400, refusal), 'llm_bad_request'],
])) {
  it(`a model ${what} is a typed error, and the agent lives on`, async () => {
    const agent = await w.agent({ model: 'openai/offline' });
    w.proxy.hook = hook;
    const error = await failure(w.send(agent.id, 'refused'));
    assert.equal(error.status, status);
    assert.equal(error.error.error.type, type, JSON.stringify(error.error));
    assert.equal(typeof error.error.error.message, 'string');
    w.proxy.hook = undefined;
    assert.equal((await w.send(agent.id, 'again')).stop_reason.stop_reason, 'end_turn');
    assertWellFormed(await w.history(agent.id));
  });
}

it('a model that talks nonsense is an error, and the agent lives on', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  for (const text of ['<html>', '{}', '{"choices":[]}', '{"choices":[{"message":{}}]}']) {
    w.proxy.hook = answerWith(200, text);
    const error = await failure(w.send(agent.id, `nonsense ${text}`));
    assert.ok(error.status >= 500, `${text}: ${error.status}`);
    w.proxy.hook = undefined;
    assert.equal((await w.send(agent.id, 'again')).stop_reason.stop_reason, 'end_turn');
  }
  assertWellFormed(await w.history(agent.id));
});

it('an error in a stream has the frames of the wire', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  w.proxy.hook = answerWith(401, refusal);
  const body = { messages: [{ role: 'user', content: 'x' }], streaming: true, stream_tokens: true };
  const answer = await w.api('POST', `/v1/agents/${agent.id}/messages`, body);
  w.proxy.hook = undefined;
  assert.equal(answer.status, 200, answer.text);
  const read = frames(answer.text).filter((frame) => !frame.data.includes('"ping"'));
  assert.equal(read.at(-1)?.data, '[DONE]');
  const error = read.at(-2);
  assert.equal(error?.event, 'error');
  const told = JSON.parse(error?.data ?? '');
  assert.equal(told.message_type, 'error_message');
  assert.equal(told.error_type, 'llm_authentication');
  assert.equal(typeof told.message, 'string');
  assert.match(told.run_id, /^run-/);
  const stop = JSON.parse(read.at(-3)?.data ?? '');
  assert.deepEqual(stop, { message_type: 'stop_reason', stop_reason: 'llm_api_error' });
});

it('a stream of the model that breaks off is an error, and the agent lives on', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  w.proxy.hook = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      'data: {"id":"c","choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n',
      () => response.destroy(),
    );
    return true;
  };
  const body = { messages: [{ role: 'user', content: 'x' }], streaming: true, stream_tokens: true };
  const answer = await w.api('POST', `/v1/agents/${agent.id}/messages`, body);
  w.proxy.hook = undefined;
  assert.ok(answer.text.includes('event: error'), answer.text);
  assert.equal((await w.send(agent.id, 'again')).stop_reason.stop_reason, 'end_turn');
  const texts = ofType(await w.history(agent.id), 'assistant_message').map(textOf);
  assert.ok(!texts.includes('half'), 'half an answer is not an answer');
});

it('a tool call with arguments that are no JSON fails, and is answered', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'memory_insert', arguments: '{"label":' },
  };
  const choice = {
    index: 0,
    finish_reason: 'tool_calls',
    message: { role: 'assistant', content: null, tool_calls: [call] },
  };
  w.proxy.hook = answerWith(
    200,
    JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'offline',
      choices: [choice],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    }),
    {},
    1,
  );
  const { messages } = await w.send(agent.id, 'say fine');
  w.proxy.hook = undefined;
  assert.equal(only(messages, 'tool_return_message').status, 'error');
  assertWellFormed(await w.history(agent.id));
});

it('a tool call id that the model uses twice names two calls in the history', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  const call = (/** @type {string} */ text) => ({
    id: 'call_same',
    type: 'function',
    function: {
      name: 'memory_insert',
      arguments: JSON.stringify({ label: 'human', new_string: text }),
    },
  });
  const twice = {
    index: 0,
    finish_reason: 'tool_calls',
    message: { role: 'assistant', content: '', tool_calls: [call('first'), call('second')] },
  };
  const text = JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'offline',
    choices: [twice],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });
  for (let n = 0; n < 2; ++n) {
    w.proxy.hook = answerWith(200, text, {}, 1);
    await w.send(agent.id, 'say fine');
  }
  w.proxy.hook = undefined;
  const history = await w.history(agent.id);
  assertWellFormed(history);
  const calls = ofType(history, 'tool_call_message').flatMap((m) => m.tool_calls ?? [m.tool_call]);
  assert.equal(calls.length, 4);
});

it('a model that always calls a tool is stopped at max_steps', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  const reply = await w.client.agents.messages.create(agent.id, {
    messages: [
      { role: 'user', content: 'keep calling memory_insert {"label":"human","new_string":"x"}' },
    ],
    max_steps: 3,
  });
  assert.equal(reply.stop_reason.stop_reason, 'max_steps');
  assert.equal(reply.usage.step_count, 3);
  assertWellFormed(await w.history(agent.id));
});

it('several tool calls of one answer are each answered, in order', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  const one = 'call memory_insert {"label":"human","new_string":"first line"}';
  const two = 'call memory_insert {"label":"human","new_string":"second line"}';
  await w.send(agent.id, `${one}\n${two}`);
  assertWellFormed(await w.history(agent.id));
  const { value } = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
  assert.ok(
    value.indexOf('first line') < value.indexOf('second line') && value.includes('first line'),
    value,
  );
});
