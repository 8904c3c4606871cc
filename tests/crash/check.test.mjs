// @ts-check
// The checker is checked with histories that are wrong in one way each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBlock, checkMessages, checkWellFormed } from './check.mjs';

let made = 0;
/** @param {string} type
 *  @param {Record<string, unknown>} fields */
function message(type, fields) {
  return { message_type: type, id: `message-${++made}`, otid: `${made}`, ...fields };
}
const user = (/** @type {string} */ content) => message('user_message', { content });
const assistant = () => message('assistant_message', { content: 'well' });
const call = (/** @type {string} */ id, marker = 'x') =>
  message('tool_call_message', {
    tool_calls: [{ tool_call_id: id, arguments: JSON.stringify({ new_string: marker }) }],
  });
const result = (/** @type {string} */ id, status = 'success') =>
  message('tool_return_message', { tool_returns: [{ tool_call_id: id, status }] });
const sent = (/** @type {number} */ number, changes = {}) => ({
  client: 1,
  number,
  text: `text ${number}`,
  marker: '',
  acknowledged: true,
  ...changes,
});

test('a sound history has no complaints', () => {
  const history = [
    user('text 1'),
    assistant(),
    user('text 2'),
    call('a', 'm2'),
    result('a'),
    assistant(),
  ];
  const all = [sent(1), sent(2, { marker: 'm2' }), sent(3, { acknowledged: false })];
  assert.deepEqual(checkMessages(all, history), []);
  assert.deepEqual(checkWellFormed(history), []);
  assert.deepEqual(checkBlock(all, history, 'old\nm2'), []);
});

for (const [what, history] of /** @type {[string, any[]][]} */ ([
  ['lost', []],
  ['listed 2 times', [user('text 1'), assistant(), user('text 1'), assistant()]],
  ['without an answer', [user('text 1')]],
  ['never sent', [user('text 1'), assistant(), user('text 9'), assistant()]],
])) {
  test(`a message ${what} is seen`, () => {
    const complaints = checkMessages([sent(1)], history);
    assert.equal(complaints.length, 1);
    assert.match(complaints[0] ?? '', new RegExp(what));
  });
}

test('an unacknowledged message may be missing, but not be there twice', () => {
  const unsure = [sent(1, { acknowledged: false })];
  assert.deepEqual(checkMessages(unsure, []), []);
  assert.deepEqual(checkMessages(unsure, [user('text 1')]), []);
  assert.equal(checkMessages(unsure, [user('text 1'), user('text 1')]).length, 1);
});

test('messages of a client in the wrong order are seen', () => {
  const history = [user('text 2'), assistant(), user('text 1'), assistant()];
  assert.equal(checkMessages([sent(1), sent(2)], history).length, 1);
  assert.deepEqual(checkMessages([sent(1), sent(2, { client: 2 })], history), []);
});

for (const [what, history] of /** @type {[string, any[]][]} */ ([
  ['without a result', [call('a')]],
  ['second one', [call('a'), result('a'), result('a')]],
  ['without a call', [result('a')]],
  ['before the result', [call('a'), assistant(), result('a')]],
  ['used twice', [call('a'), result('a'), call('a'), result('a')]],
  ['without an answer', [user('x'), user('y'), assistant()]],
])) {
  test(`a history with something ${what} is seen`, () => {
    const complaints = checkWellFormed(history);
    assert.ok(
      complaints.some((complaint) => complaint.includes(what)),
      complaints.join('; '),
    );
  });
}

test('a message listed twice is seen', () => {
  const twice = assistant();
  assert.match(checkWellFormed([twice, twice]).join(), /listed twice/);
});

test('a block that does not match the history is seen', () => {
  const all = [sent(1, { marker: 'm1' })];
  const history = [user('text 1'), call('a', 'm1'), result('a'), assistant()];
  assert.equal(checkBlock(all, history, 'm1 m1').length > 0, true);
  assert.equal(checkBlock(all, history, '').length > 0, true);
  const failed = [user('text 1'), call('a', 'm1'), result('a', 'error'), assistant()];
  assert.equal(checkBlock(all, failed, 'm1').length > 0, true);
});
