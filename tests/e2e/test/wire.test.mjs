// @ts-check
// The bytes of answers, as goldens: ../wire/*.txt holds requests and the answers that they had, with
// ids and dates masked. KELPIE_REWRITE=1 writes them anew; what changed is then for a human to
// judge.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it, world } from '../lib/fixture.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'wire');
const w = world();

/** Ids become `agent-#1`, the same for the same id; times and versions become words. */
class Mask {
  constructor() {
    /** @type {Map<string, string>} */
    this.names = new Map();
    /** @type {Map<string, string>} */
    this.ids = new Map();
  }

  /** @param {string} text */
  hide(text) {
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    return text
      .replace(new RegExp(`(?:([a-z_]+)-)?(${uuid})`, 'g'), (id, prefix) =>
        this.name(id, prefix ?? 'uuid'),
      )
      .replace(/call_[0-9a-f]{8,}/g, (id) => this.name(id, 'call'))
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)/g, 'TIME')
      .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
      .replace(/"kelpie_version":"[^"]*"/, '"kelpie_version":"KELPIE"');
  }

  /** @param {string} id
   *  @param {string} prefix */
  name(id, prefix) {
    const known = this.names.get(id);
    if (known !== undefined) return known;
    const count = [...this.names.values()].filter((name) => name.startsWith(`${prefix}-#`)).length;
    const name = `${prefix}-#${count + 1}`;
    this.names.set(id, name);
    this.ids.set(name, id);
    return name;
  }

  /** The ids behind the names that a request uses.
   * @param {string} text */
  reveal(text) {
    return text.replace(/[a-z_]+-#\d+/g, (name) => this.ids.get(name) ?? name);
  }
}

/** Blocks: `METHOD PATH`, perhaps a body on the next line; `----`, the answer, a blank line.
 * @param {string} text */
async function replay(text) {
  const mask = new Mask();
  let written = '';
  for (const block of text.split('\n\n')) {
    if (block.startsWith('#') || block.trim() === '') {
      written += `${block.trimEnd()}\n\n`;
      continue;
    }
    const [request] = /** @type {[string]} */ (block.split('\n----'));
    const [head, ...body] = /** @type {[string, ...string[]]} */ (request.trim().split('\n'));
    const [method, path] = /** @type {[string, string]} */ (mask.reveal(head).split(' '));
    const sent = body.length === 0 ? undefined : mask.reveal(body.join('\n'));
    const answer = await w.api(method, path, sent);
    const type = answer.headers.get('content-type');
    const shown = answer.text.trimEnd().replaceAll('\n\n', '\n');
    written += `${request.trim()}\n----\n${answer.status} ${type}\n${mask.hide(shown)}\n\n`;
  }
  return `${written.trimEnd()}\n`;
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  it(`the answers of ${file} are as they were`, async () => {
    const path = join(folder, file);
    const golden = readFileSync(path, 'utf8');
    const now = await replay(golden);
    if (process.env.KELPIE_REWRITE === '1') writeFileSync(path, now);
    else assert.equal(now, golden);
  });
}
