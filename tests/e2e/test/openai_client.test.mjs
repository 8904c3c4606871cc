// @ts-check
// The official `openai` client drives `kelpie offline-model`.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import OpenAI from 'openai';
import { failure, it, testTimeoutMs } from '../lib/fixture.mjs';
import { startModel } from '../lib/kelpie.mjs';

/** @type {OpenAI} */ let client;
/** @type {Awaited<ReturnType<typeof startModel>>} */ let model;
before(
  async () => {
    model = await startModel();
    client = new OpenAI({ baseURL: model.url, apiKey: 'unused', maxRetries: 0 });
  },
  { timeout: testTimeoutMs },
);
after(
  async () => {
    await model.kelpie.stop('SIGKILL');
  },
  { timeout: testTimeoutMs },
);

/** @type {OpenAI.Chat.Completions.ChatCompletionFunctionTool} */
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Says how the weather is.',
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  },
};
const callWeather = 'call get_weather {"place":"Loch Ness"}';

/** @param {string} content
 *  @returns {OpenAI.Chat.Completions.ChatCompletionMessageParam[]} */
function user(content) {
  return [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content },
  ];
}

it('models lists the offline model', async () => {
  const ids = [];
  for await (const found of client.models.list()) ids.push(found.id);
  assert.ok(ids.includes('offline'), ids.join());
});

it('a completion answers, with usage', async () => {
  const reply = await client.chat.completions.create({
    model: 'offline',
    messages: user('say hello back'),
  });
  assert.equal(reply.object, 'chat.completion');
  assert.equal(reply.choices[0]?.message.content, 'hello back');
  assert.equal(reply.choices[0]?.message.role, 'assistant');
  assert.equal(reply.choices[0]?.finish_reason, 'stop');
  const { usage } = reply;
  assert.ok(usage !== undefined && usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
});

it('the same request has the same answer', async () => {
  const ask = () =>
    client.chat.completions.create({ model: 'offline', messages: user('think twice') });
  assert.deepEqual((await ask()).choices, (await ask()).choices);
});

it('a stream says what the completion says', async () => {
  const messages = user('What is a kelpie?');
  const whole = await client.chat.completions.create({ model: 'offline', messages });
  const stream = await client.chat.completions.create({
    model: 'offline',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let chunks = 0;
  let finish;
  let usage;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    text += chunk.choices[0]?.delta.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
    ++chunks;
  }
  assert.equal(text, whole.choices[0]?.message.content);
  assert.equal(finish, 'stop');
  assert.ok(chunks > 3, 'in pieces');
  assert.deepEqual(usage, whole.usage);
});

it('a tool that the text names is called with its arguments, and its result is used', async () => {
  const messages = user(callWeather);
  const first = await client.chat.completions.create({
    model: 'offline',
    messages,
    tools: [weather],
  });
  assert.equal(first.choices[0]?.finish_reason, 'tool_calls');
  const asked = first.choices[0]?.message;
  const call = asked?.tool_calls?.[0];
  assert.ok(asked !== undefined && call?.type === 'function');
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { place: 'Loch Ness' });
  messages.push(asked, { role: 'tool', tool_call_id: call.id, content: 'wet, as ever' });
  const second = await client.chat.completions.create({
    model: 'offline',
    messages,
    tools: [weather],
  });
  assert.equal(second.choices[0]?.finish_reason, 'stop');
  assert.match(second.choices[0]?.message.content ?? '', /wet, as ever/);
});

it('a streamed tool call puts together to the whole one', async () => {
  const stream = client.chat.completions.stream({
    model: 'offline',
    messages: user(callWeather),
    tools: [weather],
  });
  const reply = await stream.finalChatCompletion();
  const call = reply.choices[0]?.message.tool_calls?.[0];
  assert.equal(reply.choices[0]?.finish_reason, 'tool_calls');
  assert.ok(call?.type === 'function' && call.id.length > 0);
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { place: 'Loch Ness' });
});

it("the client's own tool loop runs to its end", async () => {
  /** @type {unknown[]} */
  const places = [];
  const runner = client.chat.completions.runTools({
    model: 'offline',
    messages: user(callWeather),
    tools: [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'Says how the weather is.',
          parameters: { type: 'object', properties: { place: { type: 'string' } } },
          parse: JSON.parse,
          function: (/** @type {{ place: string }} */ { place }) => {
            places.push(place);
            return 'fog';
          },
        },
      },
    ],
  });
  assert.match((await runner.finalContent()) ?? '', /fog/);
  assert.deepEqual(places, ['Loch Ness']);
});

it('many at once are each answered with their own', async () => {
  const texts = Array.from({ length: 32 }, (_, n) => `number ${n}.`);
  const replies = await Promise.all(
    texts.map((text) =>
      client.chat.completions.create({ model: 'offline', messages: user(`say ${text}`) }),
    ),
  );
  assert.deepEqual(
    replies.map((reply) => reply.choices[0]?.message.content),
    texts,
  );
});

it("errors have the client's shape", async () => {
  const ask = (/** @type {any} */ body) => failure(client.chat.completions.create(body));
  assert.equal((await ask({ model: 'offline', messages: 'no list' })).status, 400);
  assert.equal((await ask({ model: 'offline' })).status, 400);
  const limited = await ask({ model: 'offline', messages: user('fail with 429 retry-after 1') });
  assert.equal(limited.status, 429);
  assert.ok(limited instanceof OpenAI.RateLimitError);
  assert.equal(typeof (/** @type {any} */ (limited.error).message), 'string');
});

it('an unknown path is a 404 in JSON', async () => {
  const answer = await fetch(`${model.url}/nothing`);
  assert.equal(answer.status, 404);
  const told = /** @type {any} */ (await answer.json());
  assert.equal(typeof told.error.message, 'string');
});

it('SIGTERM ends it with 0', async () => {
  const other = await startModel();
  assert.deepEqual(await other.kelpie.stop('SIGTERM'), { code: 0, signal: null });
});
