// Shared by the tests: who acts, who decides, and what is expected of a refusal.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Actor, Agent, Verifier, atMost, optional } from 'deputize';

export const AUDIENCE = 'https://deploy.example';
export const TOOLS = { deploy: { env: ['staging', 'test'], replicas: optional(atMost(2)) }, read: {} };
const agents = Object.fromEntries(['ana', 'planner', 'coder', 'bo', 'mallory'].map((name, at) => [name, Agent.fromSeed(name, new Uint8Array(32).fill(at + 1))]));
export const { ana, planner, coder, bo, mallory } = agents;

/** An agent with a chain that ana issued to the planner, and the planner delegated. */
export function actorOf(agent = coder, tools = TOOLS, options = {}) {
  const root = ana.issue({ to: planner, tools, ttl: '1h', reason: 'release 1.0' });
  return new Actor(agent, agent === planner ? root : planner.delegate(root, { to: agent }), options);
}

/** A coder whose chain is right, and whose key is mallory's. */
export const thief = () => new Actor(mallory, actorOf().chain);

export function verifierOf(options = {}) {
  const records = [];
  const verifier = new Verifier({ trust: [ana], audience: AUDIENCE, audit: (record) => void records.push(record), ...options });
  return Object.assign(Object.create(null), { verifier, records });
}

/** Whether a text has anything that only signers and verifiers read: a chain, or a presentation. */
export function assertNoCredentials(what) {
  const text = typeof what === 'string' ? what : JSON.stringify(what, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  assert.ok(!text.includes('dev.deputize/presentation'), text.slice(0, 500));
  assert.ok(!/[A-Za-z0-9_-]{160,}/.test(text), text.slice(0, 2000));
}

/** The programs in a section of a guide. */
export function snippets(page, heading) {
  const text = readFileSync(new URL(`../../../../docs/guide/${page}`, import.meta.url), 'utf8');
  const section = text.split(`\n${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((found) => found[1]);
}

export const example = (name) => readFileSync(new URL(`../../../../examples/node/${name}`, import.meta.url), 'utf8');

/** Runs programs, that are files of one folder beside these packages, as their reader would: the last one, whose output it gives. */
export function run(files) {
  const folder = mkdtempSync(fileURLToPath(new URL('../.run-', import.meta.url)));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const done = spawnSync(process.execPath, [Object.keys(files).at(-1)], { cwd: folder, encoding: 'utf8', timeout: 120_000, env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
    assert.equal(done.status, 0, done.stdout + done.stderr);
    return done.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The model of the guides: it deploys to staging. */
export const [MODEL] = snippets('mastra.md', '## A model to try it with');
