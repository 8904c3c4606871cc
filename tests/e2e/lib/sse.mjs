// @ts-check
// Reads an event stream by its bytes, without a client's leniency.

/** @typedef {{ event: string | undefined, data: string }} Frame */

/** The frames of a whole stream; throws at what the wire does not allow.
 * @param {string} text
 * @returns {Frame[]} */
export function frames(text) {
  if (!text.endsWith('\n\n'))
    throw new Error(`the stream ends inside a frame: ${text.slice(-200)}`);
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((block) => {
      /** @type {Frame} */
      const frame = { event: undefined, data: '' };
      for (const line of block.split('\n')) {
        if (line.startsWith('data: ')) frame.data += line.slice(6);
        else if (line.startsWith('event: ')) frame.event = line.slice(7);
        else if (!line.startsWith(':')) throw new Error(`not a line of a frame: ${line}`);
      }
      return frame;
    });
}

/** Puts the chunks of token streaming together, in the order of their first chunk.
 * @param {any[]} chunks
 * @returns {any[]} */
export function assembled(chunks) {
  /** @type {Map<string, any>} */
  const whole = new Map();
  for (const chunk of chunks) {
    const key = `${chunk.message_type} ${chunk.otid ?? chunk.id}`;
    const known = whole.get(key);
    if (known === undefined) {
      whole.set(key, structuredClone(chunk));
    } else if (chunk.message_type === 'assistant_message') {
      known.content = contentText(known.content) + contentText(chunk.content);
    } else if (chunk.message_type === 'reasoning_message') {
      known.reasoning += chunk.reasoning;
    } else if (chunk.message_type === 'tool_call_message') {
      known.tool_call.name ??= chunk.tool_call.name;
      known.tool_call.tool_call_id ??= chunk.tool_call.tool_call_id;
      known.tool_call.arguments =
        (known.tool_call.arguments ?? '') + (chunk.tool_call.arguments ?? '');
    }
  }
  return [...whole.values()];
}

/** @param {any} content */
function contentText(content) {
  if (typeof content === 'string') return content;
  return content.map((/** @type {any} */ part) => part.text ?? '').join('');
}
