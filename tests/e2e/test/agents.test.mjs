// @ts-check
import assert from 'node:assert/strict';
import { failure, idPattern, it, models, world } from '../lib/fixture.mjs';

const w = world();

for (const model of models) {
  it(`an agent with ${model} is created as asked`, async () => {
    const agent = await w.agent({
      name: 'Morag',
      model,
      tags: ['loch'],
      description: 'lives in a loch',
      metadata: { depth: 230 },
    });
    assert.match(agent.id, idPattern('agent'));
    assert.equal(agent.name, 'Morag');
    assert.equal(agent.agent_type, 'letta_v1_agent');
    assert.equal(agent.model, model);
    assert.equal(agent.llm_config.handle, model);
    assert.ok(agent.llm_config.context_window > 0);
    assert.equal(agent.description, 'lives in a loch');
    assert.deepEqual(agent.tags, ['loch']);
    assert.deepEqual(agent.metadata, { depth: 230 });
    assert.ok(Array.isArray(agent.tools) && Array.isArray(agent.sources));
    assert.equal(agent.message_ids?.length, 1, 'the system message');
    assert.match(agent.message_ids?.[0] ?? '', idPattern('message'));
  });
}

it('blocks of a new agent are in blocks and in memory', async () => {
  const agent = await w.agent();
  for (const blocks of [agent.blocks, agent.memory.blocks]) {
    const byLabel = new Map(blocks.map((block) => [block.label, block]));
    assert.equal(byLabel.get('persona')?.value, 'I am a patient water horse.');
    assert.equal(byLabel.get('human')?.value, 'The human is called Ada.');
    for (const block of blocks) assert.match(block.id ?? '', idPattern('block'));
  }
});

it('the memory tools come with a new agent, and not when they are declined', async () => {
  const names = (await w.agent()).tools.map((tool) => tool.name);
  assert.ok(names.includes('memory_insert') && names.includes('memory_replace'), names.join());
  const bare = await w.agent({ include_base_tools: false });
  assert.deepEqual(bare.tools, []);
});

it('what is retrieved is what was created', async () => {
  const agent = await w.agent({ tags: ['a', 'b'] });
  assert.deepEqual(await w.client.agents.retrieve(agent.id), agent);
  for (const path of [`/v1/agents/${agent.id}`, `/v1/agents/${agent.id}/`]) {
    const answer = await w.api('GET', `${path}?include=agent.tools&include=agent.tags`);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.id, agent.id);
    assert.deepEqual(answer.json.tags, ['a', 'b']);
  }
});

it('an update changes what it names and nothing else', async () => {
  const agent = await w.agent();
  const updated = await w.client.agents.update(agent.id, { name: 'Renamed', tags: ['new'] });
  assert.equal(updated.name, 'Renamed');
  assert.deepEqual(updated.tags, ['new']);
  const { name: _n, tags: _t, updated_at: _u, ...kept } = await w.client.agents.retrieve(agent.id);
  const { name: _n0, tags: _t0, updated_at: _u0, ...before } = agent;
  assert.deepEqual(kept, before);
});

it('an update of the model moves the agent to it', async () => {
  const agent = await w.agent({ model: 'kelpie/offline' });
  await w.client.agents.update(agent.id, { model: 'openai/offline' });
  const asked = w.proxy.asked.length;
  await w.send(agent.id, 'over HTTP now');
  assert.ok(w.proxy.asked.length > asked);
});

it('every agent is listed once, newest first, in pages', async () => {
  const made = [];
  for (let n = 0; n < 5; ++n) made.push((await w.agent({ tags: ['paged'] })).id);
  const listed = [];
  for await (const agent of w.client.agents.list({ limit: 2 })) listed.push(agent.id);
  assert.equal(new Set(listed).size, listed.length);
  assert.deepEqual(listed.slice(0, 5), [...made].reverse());
  const ascending = await w.api('GET', '/v1/agents/?order=asc&limit=1000');
  assert.deepEqual(
    ascending.json.map((/** @type {any} */ agent) => agent.id),
    [...listed].reverse(),
  );
});

it('a list by name holds only that name', async () => {
  const agent = await w.agent({ name: 'Only one of this name' });
  const listed = [];
  for await (const found of w.client.agents.list({ name: 'Only one of this name' }))
    listed.push(found.id);
  assert.deepEqual(listed, [agent.id]);
});

it('a list by tags holds only those tagged', async () => {
  const agent = await w.agent({ tags: ['rare-tag'] });
  const answer = await w.api('GET', '/v1/agents/?tags=rare-tag');
  assert.deepEqual(
    answer.json.map((/** @type {any} */ found) => found.id),
    [agent.id],
  );
});

it('a deleted agent is gone from every view', async () => {
  const agent = await w.agent();
  await w.send(agent.id, 'goodbye');
  await w.client.agents.delete(agent.id);
  for (const call of [
    () => w.client.agents.retrieve(agent.id),
    () => w.client.agents.delete(agent.id),
    () => w.client.agents.update(agent.id, { name: 'Ghost' }),
    () => w.send(agent.id, 'anyone?'),
    () => w.client.agents.messages.list(agent.id),
    () => w.client.agents.blocks.list(agent.id),
    () => w.client.agents.blocks.retrieve('human', { agent_id: agent.id }),
  ]) {
    const error = await failure(call());
    assert.equal(error.status, 404);
    assert.deepEqual(error.error, { detail: 'Agent not found' });
  }
  for await (const found of w.client.agents.list()) assert.notEqual(found.id, agent.id);
});

it('what letta-code sends to create an agent is accepted', async () => {
  const agent = await w.agent({
    description: 'as recorded',
    system: 'You are careful. '.repeat(1000),
    tags: ['origin:letta-code'],
    include_base_tools: false,
    include_base_tool_rules: false,
    initial_message_sequence: [],
    parallel_tool_calls: true,
    compaction_settings: { model: 'letta/auto' },
    context_window_limit: 32_000,
  });
  assert.equal(agent.llm_config.context_window, 32_000);
  const updated = await w.client.agents.update(agent.id, {
    model: 'kelpie/offline',
    model_settings: { provider_type: 'openai', parallel_tool_calls: true },
    context_window_limit: 16_000,
  });
  assert.equal(updated.llm_config.context_window, 16_000);
});
