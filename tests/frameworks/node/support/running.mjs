// Snippets of the guides and examples, run as their readers would: in a folder of their own that has the frameworks.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** The code below a heading of a guide. */
export function snippets(page, heading) {
  const text = readFileSync(join(ROOT, 'docs/guide', page), 'utf8').split(`\n${heading}\n`)[1].split('\n## ')[0];
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1]);
}

export function example(name) {
  return readFileSync(join(ROOT, 'examples/node', name), 'utf8');
}

/** Runs a file, with others beside it, and gives the lines that it prints. */
export function run(source, beside = {}) {
  const folder = mkdtempSync(join(HERE, '.run-'));
  try {
    for (const [name, text] of Object.entries({ ...beside, 'snippet.mjs': source })) writeFileSync(join(folder, name), text);
    const done = spawnSync(process.execPath, ['snippet.mjs'], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout.trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
