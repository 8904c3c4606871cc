// @ts-check
import assert from 'node:assert/strict';
import {
  assertWellFormed,
  idPattern,
  it,
  models,
  ofType,
  only,
  textOf,
  world,
} from '../lib/fixture.mjs';

const w = world();
const insertTea = 'call memory_insert {"label":"human","new_string":"Likes tea"}';

for (const model of models) {
  it(`${model} answers a message, and both are listed`, async () => {
    const agent = await w.agent({ model });
    const reply = await w.send(agent.id, 'Hello there');
    const answer = only(reply.messages, 'assistant_message');
    assert.ok(textOf(answer).length > 0);
    assert.match(answer.id, idPattern('message'));
    assert.match(answer.date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00|Z)$/);
    assert.equal(ofType(reply.messages, 'user_message').length, 0, 'input is not repeated');
    assert.equal(reply.stop_reason.stop_reason, 'end_turn');
    assert.equal(reply.stop_reason.message_type, 'stop_reason');
    const history = await w.history(agent.id);
    assert.equal(textOf(only(history, 'user_message')), 'Hello there');
    const listed = only(history, 'assistant_message');
    assert.equal(listed.id, answer.id);
    assert.equal(listed.otid, answer.otid);
    assert.equal(textOf(listed), textOf(answer));
    assert.ok(history.indexOf(only(history, 'user_message')) < history.indexOf(listed));
  });

  it(`${model} calls the tool that the text names, and the block has it`, async () => {
    const agent = await w.agent({ model });
    const { messages, stop_reason: stop, usage } = await w.send(agent.id, insertTea);
    const call = only(messages, 'tool_call_message');
    assert.equal(call.tool_call.name, 'memory_insert');
    assert.deepEqual(JSON.parse(call.tool_call.arguments), {
      label: 'human',
      new_string: 'Likes tea',
    });
    const result = only(messages, 'tool_return_message');
    assert.equal(result.status, 'success');
    assert.equal(result.tool_call_id, call.tool_call.tool_call_id);
    assert.equal(result.tool_returns?.[0]?.tool_call_id, call.tool_call.tool_call_id);
    assert.ok(textOf(only(messages, 'assistant_message')).length > 0);
    assert.equal(stop.stop_reason, 'end_turn');
    assert.equal(usage.step_count, 2);
    const block = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
    assert.match(block.value, /The human is called Ada\.\s*Likes tea/);
    assertWellFormed(await w.history(agent.id));
  });

  it(`${model} uses tokens that add up`, async () => {
    const { usage } = await w.send((await w.agent({ model })).id, 'Count me');
    assert.equal(usage.message_type, 'usage_statistics');
    assert.ok((usage.prompt_tokens ?? 0) > 0 && (usage.completion_tokens ?? 0) > 0);
    assert.equal(usage.total_tokens, (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0));
    assert.equal(usage.step_count, 1);
  });
}

it('memory_replace through a tool call changes the block', async () => {
  const agent = await w.agent();
  const text = 'call memory_replace {"label":"human","old_string":"Ada","new_string":"Grace"}';
  assert.equal(
    only((await w.send(agent.id, text)).messages, 'tool_return_message').status,
    'success',
  );
  const block = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
  assert.equal(block.value, 'The human is called Grace.');
});

for (const [what, text] of Object.entries({
  'a tool that is not there': 'call no_such_tool {"x":1}',
  'a block that is not there': 'call memory_insert {"label":"nowhere","new_string":"x"}',
  'a text that is not in the block':
    'call memory_replace {"label":"human","old_string":"Zoe","new_string":"x"}',
  'missing arguments': 'call memory_insert {"label":"human"}',
  'arguments of the wrong type': 'call memory_insert {"label":7,"new_string":["x"]}',
})) {
  it(`a tool call with ${what} fails, and the agent lives on`, async () => {
    const agent = await w.agent();
    const { messages } = await w.send(agent.id, text);
    for (const result of ofType(messages, 'tool_return_message'))
      assert.equal(result.status, 'error');
    assert.equal((await w.send(agent.id, 'still there?')).stop_reason.stop_reason, 'end_turn');
    assertWellFormed(await w.history(agent.id));
    const block = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
    assert.equal(block.value, 'The human is called Ada.');
  });
}

it('a read-only block refuses the tool', async () => {
  const agent = await w.agent({
    memory_blocks: [{ label: 'human', value: 'Fixed.', read_only: true }],
  });
  const { messages } = await w.send(agent.id, insertTea);
  assert.equal(only(messages, 'tool_return_message').status, 'error');
  assert.equal(
    (await w.client.agents.blocks.retrieve('human', { agent_id: agent.id })).value,
    'Fixed.',
  );
});

it('the provider gets the whole system prompt, which changes only when it is rebuilt', async () => {
  const agent = await w.agent({ model: 'openai/offline', system: 'You guard the ford.' });
  await w.send(agent.id, 'first');
  const before = w.proxy.last().body.messages[0];
  assert.equal(before.role, 'system');
  for (const part of [
    'You guard the ford.',
    'I am a patient water horse.',
    'The human is called Ada.',
    '<memory_blocks>',
    agent.id,
  ]) {
    assert.ok(before.content.includes(part), `${part} is not in ${before.content}`);
  }
  await w.send(agent.id, insertTea);
  await w.client.agents.blocks.update('persona', { agent_id: agent.id, value: 'I am impatient.' });
  await w.send(agent.id, 'second');
  assert.deepEqual(w.proxy.last().body.messages[0], before);
});

it('the provider gets the history in order, tool results included', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  await w.send(agent.id, 'one');
  await w.send(agent.id, insertTea);
  await w.send(agent.id, 'three');
  const { messages, tools } = w.proxy.last().body;
  const roles = messages.map((/** @type {any} */ message) => message.role);
  assert.deepEqual(roles, [
    'system',
    'user',
    'assistant',
    'user',
    'assistant',
    'tool',
    'assistant',
    'user',
  ]);
  assert.equal(messages[5].tool_call_id, messages[4].tool_calls[0].id);
  assert.equal(JSON.parse(messages[5].content).status, 'OK');
  const names = tools.map((/** @type {any} */ tool) => tool.function.name);
  assert.ok(names.includes('memory_insert') && names.includes('memory_replace'));
});

it('the provider gets the key that the server was given', async () => {
  const agent = await w.agent({ model: 'openai/offline' });
  await w.send(agent.id, 'key?');
  assert.equal(w.proxy.last().headers.authorization, 'Bearer for-the-model');
});

it('content may be written as parts', async () => {
  const agent = await w.agent();
  await w.client.agents.messages.create(agent.id, {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'part one' },
          { type: 'text', text: 'part two' },
        ],
      },
    ],
  });
  const text = textOf(only(await w.history(agent.id), 'user_message'));
  assert.ok(text.includes('part one') && text.includes('part two'), text);
});

it('an otid that the client gave is listed', async () => {
  const agent = await w.agent();
  const otid = '11111111-2222-4333-8444-555555555555';
  await w.client.agents.messages.create(agent.id, {
    messages: [{ role: 'user', content: 'x', otid }],
  });
  assert.equal(only(await w.history(agent.id), 'user_message').otid, otid);
});

it('a message of 1 MB is kept whole', async () => {
  const agent = await w.agent();
  const content = 'Wasser ist naß. '.repeat(65_536);
  await w.send(agent.id, content);
  assert.equal(textOf(only(await w.history(agent.id), 'user_message')), content);
});

it('text of every script is kept as it was', async () => {
  const agent = await w.agent();
  const content = 'Each-uisge \u{1F40E} 水馬 עברית "quoted" \\ \n\t end';
  await w.send(agent.id, content);
  assert.equal(textOf(only(await w.history(agent.id), 'user_message')), content);
});

it('messages sent to one agent at once are all answered, one after another', async () => {
  const agent = await w.agent();
  const texts = Array.from({ length: 16 }, (_, n) => `at once ${n}`);
  const replies = await Promise.all(texts.map((text) => w.send(agent.id, text)));
  for (const reply of replies) assert.equal(reply.stop_reason.stop_reason, 'end_turn');
  const history = (await w.history(agent.id)).filter((m) => m.message_type !== 'system_message');
  assert.deepEqual(ofType(history, 'user_message').map(textOf).sort(), [...texts].sort());
  history.forEach((message, index) => {
    const expected = index % 2 === 0 ? 'user_message' : 'assistant_message';
    assert.equal(message.message_type, expected, `at ${index}`);
  });
});

it('a slow model holds up its own agent only', async () => {
  const slow = await w.agent({ model: 'openai/offline' });
  const quick = await w.agent({ model: 'kelpie/offline' });
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
  const pending = w.send(slow.id, 'wait for it');
  await asked;
  await w.send(quick.id, 'meanwhile');
  await w.client.agents.retrieve(slow.id);
  await w.client.agents.messages.list(slow.id);
  release();
  w.proxy.hook = undefined;
  assert.equal((await pending).stop_reason.stop_reason, 'end_turn');
});
