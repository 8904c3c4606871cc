// @ts-check
import assert from 'node:assert/strict';
import { failure, it, world } from '../lib/fixture.mjs';

const w = world();

it('a block is retrieved and updated by its label', async () => {
  const agent = await w.agent();
  const params = { agent_id: agent.id };
  const block = await w.client.agents.blocks.retrieve('human', params);
  assert.equal(block.label, 'human');
  assert.equal(block.value, 'The human is called Ada.');
  assert.equal(block.limit, 100_000);
  assert.equal(block.read_only, false);
  const updated = await w.client.agents.blocks.update('human', { ...params, value: 'Nobody.' });
  assert.deepEqual(updated, { ...block, value: 'Nobody.' });
  assert.deepEqual(await w.client.agents.blocks.retrieve('human', params), updated);
  const persona = await w.client.agents.blocks.retrieve('persona', params);
  assert.equal(persona.value, 'I am a patient water horse.');
});

it('the blocks of an agent are listed', async () => {
  const agent = await w.agent();
  const labels = [];
  for await (const block of w.client.agents.blocks.list(agent.id)) labels.push(block.label);
  assert.deepEqual(labels.sort(), ['human', 'persona']);
});

it('both slash forms reach a block', async () => {
  const agent = await w.agent();
  for (const end of ['', '/']) {
    const path = `/v1/agents/${agent.id}/core-memory/blocks`;
    assert.equal((await w.api('GET', `${path}/human${end}`)).json.label, 'human');
    assert.equal((await w.api('GET', `${path}${end}`)).json.length, 2);
  }
});

it('a label that is not there is 404', async () => {
  const agent = await w.agent();
  const error = await failure(w.client.agents.blocks.retrieve('nowhere', { agent_id: agent.id }));
  assert.equal(error.status, 404);
  assert.equal(typeof error.error.detail, 'string');
  const update = w.client.agents.blocks.update('nowhere', { agent_id: agent.id, value: 'x' });
  assert.equal((await failure(update)).status, 404);
});

it('a value over the limit is 422 and changes nothing', async () => {
  const agent = await w.agent({ memory_blocks: [{ label: 'human', value: 'short', limit: 20 }] });
  const params = { agent_id: agent.id };
  const error = await failure(
    w.client.agents.blocks.update('human', { ...params, value: 'x'.repeat(21) }),
  );
  assert.equal(error.status, 422);
  assert.equal((await w.client.agents.blocks.retrieve('human', params)).value, 'short');
  await w.client.agents.blocks.update('human', { ...params, value: 'x'.repeat(20) });
});

it('the limit counts characters, not bytes', async () => {
  const agent = await w.agent({ memory_blocks: [{ label: 'human', value: '', limit: 20 }] });
  const params = { agent_id: agent.id, value: '水'.repeat(20) };
  assert.equal((await w.client.agents.blocks.update('human', params)).value, '水'.repeat(20));
});

it('a block wider than a store value is kept whole', async () => {
  const value = 'abcdefgh'.repeat(40_000);
  const agent = await w.agent({ memory_blocks: [{ label: 'human', value, limit: 400_000 }] });
  const block = await w.client.agents.blocks.retrieve('human', { agent_id: agent.id });
  assert.equal(block.value, value);
});

it('an update of a value of the wrong type is 422', async () => {
  const agent = await w.agent();
  const path = `/v1/agents/${agent.id}/core-memory/blocks/human`;
  assert.equal((await w.api('PATCH', path, { value: 7 })).status, 422);
  assert.equal((await w.api('PATCH', path, [])).status, 422);
});
