// Shared by the tests: the cast, and how a refusal is expected.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, DeputizeError, Denied, Verifier, codes } from 'deputize';

export const AUDIENCE = 'https://tools.acme.example';
export const known = new Set(codes.map((row) => row.code));

/** ana issues, the planner delegates, the coder calls; mallory has nothing. */
export function cast() {
  const [ana, planner, coder, mallory] = ['ana', 'planner', 'coder', 'mallory'].map((name, at) => Agent.fromSeed(name, new Uint8Array(32).fill(at + 1)));
  return { ana, planner, coder, mallory };
}

/** A chain of two that lets the coder call `tool`. */
export function chainFor(tool = 'deploy', rules = {}, options = {}) {
  const people = cast();
  const root = people.ana.issue({ to: people.planner, tools: { [tool]: {} }, ttl: '1h', reason: 'release 1.0', ...options });
  return { ...people, root, chain: people.planner.delegate(root, { to: people.coder, tools: { [tool]: rules } }) };
}

export function verifierFor(trust, options = {}) {
  return new Verifier({ trust: [trust].flat(), audience: AUDIENCE, ...options });
}

/** Runs what must be refused with this code, and gives the refusal. */
export function refused(code, run) {
  assert.ok(known.has(code), `no such code: ${code}`);
  let caught;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  return expected(code, caught);
}

/** The same for a promise. */
export async function rejected(code, promise) {
  let caught;
  try {
    await promise;
  } catch (error) {
    caught = error;
  }
  return expected(code, caught);
}

function expected(code, caught) {
  assert.ok(caught !== undefined, `not refused; ${code} was expected`);
  assert.ok(caught instanceof DeputizeError && caught instanceof Error, `not a DeputizeError: ${caught?.stack ?? caught}`);
  assert.equal(caught.code, code, caught.message);
  assert.ok(caught.message.length <= 512 && caught.help.length > 0);
  return caught;
}

/** The same, for a decision: it has a record that says so. */
export function denied(code, run) {
  const refusal = refused(code, run);
  assert.ok(refusal instanceof Denied, refusal.stack);
  assert.equal(refusal.record.allowed, false);
  assert.equal(refusal.record.code, code);
  assert.equal(JSON.parse(refusal.record.json()).code, code);
  return refusal;
}

/** A folder for one test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'deputize-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export const hex = (bytes) => Buffer.from(bytes).toString('hex');
