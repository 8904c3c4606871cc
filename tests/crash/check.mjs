// @ts-check
// What a history must look like after any number of crashes. Pure: what was sent and what is listed
// go in, complaints come out.

/** One message that a client sent.
 * @typedef {{ client: number, number: number, text: string, marker: string,
 *             acknowledged: boolean }} Sent
 * `marker` is what its tool call writes into the block; empty without one. */

/** The markers and texts of one agent must not contain one another.
 * @param {Sent[]} sent in the order of sending
 * @param {any[]} history oldest first, as listed
 * @returns {string[]} complaints, empty when all is well */
export function checkMessages(sent, history) {
  /** @type {string[]} */
  const complaints = [];
  /** @type {Map<string, number[]>} */
  const places = new Map();
  history.forEach((message, place) => {
    if (message.message_type !== 'user_message') return;
    const text = textOf(message);
    places.set(text, [...(places.get(text) ?? []), place]);
  });
  /** @type {Map<number, number>} */
  const lastOfClient = new Map();
  for (const message of sent) {
    const found = places.get(message.text) ?? [];
    places.delete(message.text);
    if (found.length > 1) complaints.push(`listed ${found.length} times: ${message.text}`);
    if (found.length === 0) {
      if (message.acknowledged) complaints.push(`acknowledged and lost: ${message.text}`);
      continue;
    }
    const place = /** @type {number} */ (found[0]);
    if (place < (lastOfClient.get(message.client) ?? -1)) {
      complaints.push(`out of its client's order: ${message.text}`);
    }
    lastOfClient.set(message.client, place);
    if (message.acknowledged && !answered(history, place)) {
      complaints.push(`acknowledged without an answer: ${message.text}`);
    }
  }
  for (const text of places.keys()) complaints.push(`listed but never sent: ${text}`);
  return complaints;
}

/** Of a history whose runs have all ended.
 * @param {any[]} history oldest first
 * @returns {string[]} complaints */
export function checkWellFormed(history) {
  /** @type {string[]} */
  const complaints = [];
  /** Calls that wait for their result. @type {Set<string>} */
  const open = new Set();
  const used = new Set();
  const keys = new Set();
  for (const message of history) {
    const type = message.message_type;
    const key = `${type} ${message.id} ${message.otid}`;
    if (keys.has(key)) complaints.push(`listed twice: ${key}`);
    keys.add(key);
    if (type === 'tool_call_message') {
      for (const { tool_call_id: id } of callsOf(message)) {
        if (used.has(id)) complaints.push(`a call id is used twice: ${id}`);
        used.add(id);
        open.add(id);
      }
    } else if (type === 'tool_return_message') {
      for (const { tool_call_id: id } of message.tool_returns ?? [message]) {
        if (!open.delete(id)) complaints.push(`a result without a call, or a second one: ${id}`);
      }
    } else if (open.size > 0) {
      complaints.push(`${type} comes before the result of ${[...open].join()}`);
      open.clear();
    }
  }
  for (const id of open) complaints.push(`a call without a result: ${id}`);
  history.forEach((message, place) => {
    if (message.message_type === 'user_message' && !answered(history, place)) {
      complaints.push(`a run ended without an answer: ${textOf(message)}`);
    }
  });
  return complaints;
}

/** Each successful tool call of the history is in the block once, and nothing else is.
 * @param {Sent[]} sent
 * @param {any[]} history
 * @param {string} value of the block
 * @returns {string[]} complaints */
export function checkBlock(sent, history, value) {
  /** @type {Map<string, number>} */
  const succeeded = new Map();
  const calls = new Map();
  for (const message of history) {
    if (message.message_type === 'tool_call_message') {
      for (const call of callsOf(message)) calls.set(call.tool_call_id, call.arguments);
    } else if (message.message_type === 'tool_return_message') {
      for (const result of message.tool_returns ?? [message]) {
        if (result.status !== 'success') continue;
        const marker = JSON.parse(calls.get(result.tool_call_id) ?? '{}').new_string;
        succeeded.set(marker, (succeeded.get(marker) ?? 0) + 1);
      }
    }
  }
  /** @type {string[]} */
  const complaints = [];
  for (const { marker, acknowledged, text } of sent) {
    if (marker === '') continue;
    const there = value.split(marker).length - 1;
    const expected = succeeded.get(marker) ?? 0;
    if (there !== expected)
      complaints.push(`${marker}: ${expected} successes, ${there} in the block`);
    if (there > 1) complaints.push(`${marker} took effect ${there} times`);
    if (acknowledged && there !== 1) complaints.push(`acknowledged without effect: ${text}`);
  }
  return complaints;
}

/** @param {any} message */
function callsOf(message) {
  return message.tool_calls ?? [message.tool_call];
}

/** Whether an assistant's words follow before the next user message.
 * @param {any[]} history
 * @param {number} place */
function answered(history, place) {
  for (const message of history.slice(place + 1)) {
    if (message.message_type === 'assistant_message') return true;
    if (message.message_type === 'user_message') return false;
  }
  return false;
}

/** @param {any} message
 * @returns {string} */
export function textOf(message) {
  const { content } = message;
  if (typeof content === 'string') return content;
  return content.map((/** @type {any} */ part) => part.text ?? '').join('');
}
