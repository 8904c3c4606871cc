// @ts-check
import assert from 'node:assert/strict';
import { it, world } from '../lib/fixture.mjs';

const w = world();

it("health names the API version and Kelpie's own", async () => {
  const health = /** @type {any} */ (await w.client.health());
  assert.equal(health.status, 'ok');
  const [major, minor, patch] = health.version.split('.').map(Number);
  const version = (major * 1000 + minor) * 1000 + patch;
  assert.ok(version >= 16_006, `clients warn below 0.16.6, this says ${health.version}`);
  assert.match(health.kelpie_version, /^\d+\.\d+\.\d+/);
});

for (const path of ['/v1/health', '/v1/health/', '/v1/ready', '/v1/ready/']) {
  it(`${path} answers without a redirect`, async () => {
    const answer = await w.api('GET', path);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.status, 'ok');
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  });
}

it("models lists the built-in model and the provider's", async () => {
  const listed = /** @type {any[]} */ (await w.client.models.list());
  const handles = listed.map((model) => model.handle);
  assert.ok(handles.includes('kelpie/offline'), handles.join());
  assert.ok(handles.includes('openai/offline'), handles.join());
});

it('a model has every field that clients read', async () => {
  for (const model of /** @type {any[]} */ (await w.client.models.list())) {
    for (const name of [
      'handle',
      'name',
      'display_name',
      'provider_type',
      'provider_name',
      'model',
      'model_endpoint_type',
    ]) {
      assert.equal(typeof model[name], 'string', `${model.handle}: ${name}`);
    }
    assert.equal(model.model_type, 'llm');
    assert.ok(model.max_context_window > 0, model.handle);
    assert.ok(model.context_window > 0, model.handle);
    assert.equal(`${model.provider_name}/${model.name}`, model.handle);
  }
});

for (const path of [
  '/v1/models',
  '/v1/models/',
  '/v1/agents',
  '/v1/agents/',
  '/v1/agents/?limit=1',
]) {
  it(`${path} is an array in both slash forms`, async () => {
    const answer = await w.api('GET', path);
    assert.equal(answer.status, 200);
    assert.ok(Array.isArray(answer.json), answer.text);
  });
}
