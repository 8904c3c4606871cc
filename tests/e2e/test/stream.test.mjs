// @ts-check
import assert from 'node:assert/strict';
import {
  assertWellFormed,
  failure,
  it,
  models,
  ofType,
  only,
  textOf,
  world,
} from '../lib/fixture.mjs';
import { Raw, requestBytes } from '../lib/raw.mjs';
import { assembled, frames } from '../lib/sse.mjs';

/** @typedef {import('@letta-ai/letta-client/resources/agents/messages').MessageCreateParamsStreaming}
 *  MessageCreateParamsStreaming */

const w = world();
const insertTea = 'call memory_insert {"label":"human","new_string":"Likes tea"}';
const endings = ['stop_reason', 'usage_statistics'];

/** Every chunk that the official client yields, pings left out.
 * @param {string} agentId
 * @param {string} content
 * @param {{ stream_tokens?: boolean, include_pings?: boolean }} options */
async function stream(agentId, content, options) {
  const chunks = [];
  /** @type {MessageCreateParamsStreaming} */
  const body = { streaming: true, messages: [{ role: 'user', content }], ...options };
  for await (const chunk of await w.client.agents.messages.create(agentId, body)) {
    if (chunk.message_type !== 'ping') chunks.push(/** @type {any} */ (chunk));
  }
  return chunks;
}

/** Checks the end of a stream and returns what was before it.
 * @param {any[]} chunks */
function contentOf(chunks) {
  const types = chunks.map((chunk) => chunk.message_type);
  assert.deepEqual(types.slice(-2), endings);
  assert.equal(chunks.at(-2).stop_reason, 'end_turn');
  const content = chunks.slice(0, -2);
  for (const chunk of content) assert.ok(!endings.includes(chunk.message_type));
  assert.equal(ofType(content, 'user_message').length, 0, 'input is not repeated');
  return content;
}

for (const model of models) {
  it(`${model}: streamed tokens put together are the stored message`, async () => {
    const agent = await w.agent({ model });
    const content = contentOf(
      await stream(agent.id, 'Tell me about the loch', { stream_tokens: true }),
    );
    assert.ok(content.length > 1, 'more than one chunk');
    assert.equal(new Set(content.map((chunk) => chunk.id)).size, 1);
    assert.equal(new Set(content.map((chunk) => chunk.otid)).size, 1);
    const whole = only(assembled(content), 'assistant_message');
    const stored = only(await w.history(agent.id), 'assistant_message');
    assert.equal(whole.content, textOf(stored));
    assert.equal(whole.id, stored.id);
    assert.equal(whole.otid, stored.otid);
  });

  it(`${model}: a streamed step is the stored message`, async () => {
    const agent = await w.agent({ model });
    const content = contentOf(
      await stream(agent.id, 'Tell me about the loch', { stream_tokens: false }),
    );
    const step = only(content, 'assistant_message');
    const stored = only(await w.history(agent.id), 'assistant_message');
    assert.equal(textOf(step), textOf(stored));
    assert.equal(step.id, stored.id);
    assert.equal(step.otid, stored.otid);
  });

  for (const streamTokens of [true, false]) {
    it(`${model}: a tool call streams and edits the block, tokens ${streamTokens}`, async () => {
      const agent = await w.agent({ model });
      const content = contentOf(await stream(agent.id, insertTea, { stream_tokens: streamTokens }));
      const whole = assembled(content);
      assert.deepEqual(
        whole.map((message) => message.message_type),
        ['tool_call_message', 'tool_return_message', 'assistant_message'],
      );
      const history = await w.history(agent.id);
      assertWellFormed(history);
      for (const message of whole) {
        const stored = only(history, message.message_type);
        assert.equal(message.id, stored.id);
        assert.equal(message.otid, stored.otid);
      }
      const stored = only(history, 'tool_call_message').tool_call;
      assert.deepEqual(whole[0].tool_call, stored);
      assert.equal(whole[1].status, 'success');
      assert.equal(whole[1].tool_call_id, stored.tool_call_id);
      const block = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
      assert.match(block.value, /Likes tea/);
    });
  }

  it(`${model}: usage ends the stream and adds up`, async () => {
    const usage = (
      await stream((await w.agent({ model })).id, insertTea, { stream_tokens: true })
    ).at(-1);
    assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    assert.equal(usage.step_count, 2);
  });

  it(`${model}: the frames are those of the wire`, async () => {
    const agent = await w.agent({ model });
    const body = {
      messages: [{ role: 'user', content: 'raw' }],
      streaming: true,
      stream_tokens: true,
    };
    const answer = await w.api('POST', `/v1/agents/${agent.id}/messages`, body);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    const read = frames(answer.text);
    assert.equal(read.at(-1)?.data, '[DONE]');
    for (const frame of read) assert.equal(frame.event, undefined);
    const parsed = read.slice(0, -1).map((frame) => JSON.parse(frame.data));
    const types = parsed.map((chunk) => chunk.message_type).filter((type) => type !== 'ping');
    assert.deepEqual(types.slice(-2), endings);
    if (parsed[0].message_type === 'ping') assert.match(parsed[0].run_id, /^run-/);
    assert.deepEqual(parsed.at(-2), { message_type: 'stop_reason', stop_reason: 'end_turn' });
  });
}

it('the older stream endpoint streams steps, and tokens when asked', async () => {
  const agent = await w.agent();
  for (const streamTokens of [false, true]) {
    const chunks = [];
    const body = {
      messages: [{ role: /** @type {const} */ ('user'), content: 'old way' }],
      stream_tokens: streamTokens,
    };
    for await (const chunk of await w.client.agents.messages.stream(agent.id, body)) {
      if (chunk.message_type !== 'ping') chunks.push(chunk);
    }
    assert.ok(textOf(only(assembled(contentOf(chunks)), 'assistant_message')).length > 0);
  }
});

it('no ping comes where none is wanted', async () => {
  const agent = await w.agent();
  const body = {
    messages: [{ role: 'user', content: 'x' }],
    streaming: true,
    include_pings: false,
  };
  const answer = await w.api('POST', `/v1/agents/${agent.id}/messages`, body);
  for (const frame of frames(answer.text).slice(0, -1)) {
    assert.notEqual(JSON.parse(frame.data).message_type, 'ping');
  }
});

it('a stream that cannot start is a plain error', async () => {
  const error = await failure(
    w.client.agents.messages.create('agent-00000000-0000-4000-8000-00000000dead', {
      messages: [{ role: 'user', content: 'x' }],
      streaming: true,
    }),
  );
  assert.equal(error.status, 404);
  assert.deepEqual(error.error, { detail: 'Agent not found' });
});

it('tokens arrive while the model is still speaking', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  /** @type {() => void} */
  let release = () => {};
  const held = new Promise((resolve) => (release = () => resolve(undefined)));
  w.proxy.hook = async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(delta({ role: 'assistant', content: 'early ' }));
    await held;
    response.write(delta({ content: 'late' }));
    response.end(delta({}, 'stop') + 'data: [DONE]\n\n');
    return true;
  };
  /** @type {MessageCreateParamsStreaming} */
  const body = {
    streaming: true,
    stream_tokens: true,
    messages: [{ role: 'user', content: 'go' }],
  };
  let heard = '';
  for await (const chunk of await w.client.agents.messages.create(agent.id, body)) {
    if (chunk.message_type !== 'assistant_message') continue;
    heard += textOf(chunk);
    release();
  }
  w.proxy.hook = undefined;
  assert.equal(heard, 'early late');
});

it('a reader that goes away loses nothing and harms nobody', async () => {
  const agent = await w.agent();
  const body = JSON.stringify({
    messages: [{ role: 'user', content: 'I will not listen' }],
    streaming: true,
    stream_tokens: true,
  });
  const raw = new Raw(w.server.port);
  raw.send(requestBytes('POST', `/v1/agents/${agent.id}/messages`, { body }));
  await raw.until(() => raw.text().includes('data: '));
  raw.close();
  await w.send(agent.id, 'next');
  const history = await w.history(agent.id);
  assertWellFormed(history);
  const texts = ofType(history, 'user_message').map(textOf);
  assert.equal(texts.at(-1), 'next');
  assert.ok(texts.length <= 2);
});

/** @param {Record<string, unknown>} change
 *  @param {string | null} finish */
function delta(change, finish = null) {
  const choices = [{ index: 0, delta: change, finish_reason: finish }];
  const chunk = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'offline',
    choices,
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
