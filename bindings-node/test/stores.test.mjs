// Stores, audit functions and clocks of the program: POP-05, POP-21, POP-22, TIM-03, TIM-04.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { MemoryStore } from 'deputize';
import { AUDIENCE, chainFor, denied, hex, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, coder, chain } = chainFor();
const proof = () => coder.prove(chain, 'deploy', {}, AUDIENCE);
const call = (verifier, presentation = proof()) => verifier.authorize(presentation, 'deploy', {});
const callAsync = (verifier, presentation = proof()) => verifier.authorizeAsync(presentation, 'deploy', {});

test('of 64 tasks with one proof and an asynchronous store, exactly one is allowed', async () => {
  const seen = new Set();
  const store = { async commit(operations) { const [, key] = operations.find(([name]) => name === 'claim'); await turn(); const fresh = !seen.has(hex(key)); seen.add(hex(key)); await pause(1); return fresh || ['refused', operations.length - 1]; } };
  const verifier = verifierFor(ana, { store });
  const one = proof();
  const results = await Promise.allSettled(Array.from({ length: 64 }, () => callAsync(verifier, one)));
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  assert.equal(results.filter((result) => result.reason?.code === 'proof-replayed').length, 63);
  assert.equal(seen.size, 1);
});

test('of 64 tasks with one proof and the store in memory, exactly one is allowed', async () => {
  const verifier = verifierFor(ana);
  const one = proof();
  const results = await Promise.allSettled(Array.from({ length: 64 }, async () => { await turn(); return callAsync(verifier, one); }));
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
});

test('a store is asked last, once, that nothing is revoked, and to claim the holder\'s key until the end of the proof', () => {
  const asked = [];
  const store = { me: 'store', commit(operations, nowMs) { asked.push([this.me, operations, nowMs]); return true; } };
  const verifier = verifierFor(ana, { store });
  denied('proof-mismatch', () => verifier.authorize(proof(), 'deploy', { x: 1 }));
  denied('tool-not-allowed', () => verifier.authorize(coder.prove(chain, 'other', {}, AUDIENCE), 'other', {}));
  assert.equal(asked.length, 0);
  call(verifier);
  const [[me, operations, nowMs]] = asked;
  const [name, key, expires, since] = operations.at(-1);
  assert.deepEqual([me, operations.filter(([name]) => name === 'absent').length, name, key.constructor, key.length], ['store', operations.length - 1, 'claim', Uint8Array, 49]);
  assert.deepEqual([key[0], hex(key.subarray(1, 33))], ['p'.charCodeAt(0), hex(coder.key.bytes)]);
  assert.ok(Number.isSafeInteger(nowMs) && expires * 1000 > nowMs && expires * 1000 <= nowMs + 60000);
  assert.ok(Number.isSafeInteger(since) && since <= nowMs && since > nowMs - 10000);
});

test('only true is a commit, and what is no answer denies', async () => {
  class Odd extends Array {}
  const getter = Object.defineProperty(['refused', 0], 1, { get() { throw new Error('odd'); } });
  const wrong = [undefined, null, false, 1, 0, 'true', 'refused', 'committed', '', {}, [], new Boolean(true), Symbol('x'), 1n, () => true, { then: 5 },
    [true], ['refused'], ['refused', 99], ['refused', -1], ['refused', 0.5], ['refused', NaN], ['refused', '0'], ['refused', 0n], ['refused', 0, 0], ['refused', 2 ** 53], ['full', 0],
    ['committed', 0], [new String('refused'), 0], { 0: 'refused', 1: 0, length: 2 }, new Proxy(['refused', 0], {}), getter, Odd.of('committed', 0)];
  for (const answer of wrong) {
    denied('store-unavailable', () => call(verifierFor(ana, { store: { commit: () => answer } })));
    await rejected('store-unavailable', callAsync(verifierFor(ana, { store: { commit: async () => answer } })));
  }
  for (const [answer, code] of [['refused', 'proof-replayed'], ['predates', 'proof-predates-store'], ['full', 'store-full']]) {
    const commit = (operations) => (answer === 'full' ? answer : [answer, operations.length - 1]);
    denied(code, () => call(verifierFor(ana, { store: { commit } })));
    await rejected(code, callAsync(verifierFor(ana, { store: { commit: async (operations) => commit(operations) } })));
  }
  assert.ok(call(verifierFor(ana, { store: { commit: () => true } })));
  assert.ok(await callAsync(verifierFor(ana, { store: { commit: () => true } })));
});

test('a store that fails denies, and leaves no unhandled rejection', async (t) => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  for (const commit of [() => { throw new Error('disk'); }, () => { throw undefined; }, async () => { throw new Error('disk'); }, async () => true, () => ({ then() { throw new Error('odd'); } }), () => ({ get then() { throw new Error('odd'); } })]) {
    denied('store-unavailable', () => call(verifierFor(ana, { store: { commit } })));
  }
  for (const commit of [() => { throw new Error('disk'); }, async () => { throw new Error('disk'); }, () => ({ then() { throw new Error('odd'); } })]) await rejected('store-unavailable', callAsync(verifierFor(ana, { store: { commit } })));
  await pause(5);
  assert.deepEqual(unhandled, []);
});

test('a store in memory has a capacity, and is shared by the verifiers that get it', () => {
  const store = new MemoryStore(2);
  const [one, two] = [verifierFor(ana, { store }), verifierFor(ana, { store })];
  const presentation = proof();
  call(one, presentation);
  denied('proof-replayed', () => call(two, presentation));
  call(two);
  denied('store-full', () => call(one));
  for (const capacity of [0, -1, 1.5, NaN, '10', null, 2 ** 33, Infinity]) refused('config-invalid', () => new MemoryStore(capacity));
  class Always extends MemoryStore { commit() { return true; } }
  refused('config-invalid', () => new Always());
});

test('no record, no action', async () => {
  let action = 0;
  for (const audit of [() => { throw new Error('full'); }, () => { throw undefined; }, async () => { throw new Error('full'); }, async () => undefined, () => new Promise(() => {})]) {
    const store = { commit: () => true };
    const refusal = denied('audit-unavailable', () => { call(verifierFor(ana, { audit, store })); action++; });
    assert.equal(refusal.record.sentence.includes('audit-unavailable'), true);
    denied('tool-not-allowed', () => verifierFor(ana, { audit, store }).authorize(coder.prove(chain, 'x', {}, AUDIENCE), 'x', {}));
    denied('proof-missing', () => verifierFor(ana, { audit, store }).authorize('', 'deploy', {}));
  }
  for (const audit of [() => { throw new Error('full'); }, async () => { throw new Error('full'); }, async () => { await pause(1); throw undefined; }]) {
    await rejected('audit-unavailable', callAsync(verifierFor(ana, { audit })));
    await rejected('proof-missing', verifierFor(ana, { audit }).authorizeAsync('', 'deploy', {}));
  }
  assert.equal(action, 0);
});

test('an audit function gets every record, before the caller has the decision', async () => {
  const records = [];
  const verifier = verifierFor(ana, { audit: async (record) => { await turn(); records.push(record); } });
  const allowed = await callAsync(verifier);
  assert.equal(records[0].json(), allowed.record.json());
  const refusal = await rejected('proof-missing', verifier.authorizeAsync(null, 'deploy', {}));
  assert.deepEqual(records.map((record) => record.code), ['allowed', 'proof-missing']);
  assert.equal(records[1].json(), refusal.record.json());
  assert.ok(records[0].allowed && records[0].timeMs > 0 && records[0].sentence.includes('ALLOW'));
});

test('a clock gives milliseconds since 1970 or nothing is allowed', async () => {
  const store = { commit: () => true };
  for (const clock of [() => NaN, () => '1764000000000', () => -1, () => 0, () => 1.5, () => Infinity, () => undefined, () => null, () => 2 ** 60, () => 253402300800000, () => BigInt(Date.now()), async () => Date.now(), async () => { throw new Error('x'); }, () => { throw new Error('x'); }, () => new Date()]) {
    const verifier = verifierFor(ana, { clock, store });
    assert.ok(denied('clock-invalid', () => call(verifier)).record.timeMs > 1.7e12);
    await rejected('clock-invalid', callAsync(verifier));
    refused('clock-invalid', () => verifier.verifyChain(chain));
    denied('clock-invalid', () => call(verifierFor(ana, { clock })));
  }
});

test('a clock that goes back is noticed', () => {
  let ahead = 0;
  const verifier = verifierFor(ana, { clock: () => Date.now() + ahead, store: { commit: () => true } });
  call(verifier);
  ahead = -30000;
  call(verifier);
  ahead = -24 * 3600 * 1000;
  denied('clock-behind', () => call(verifier));
  refused('clock-behind', () => verifier.verifyChain(chain));
  denied('clock-behind', () => verifier.authorize('not text', 'deploy', {}));
});

test('a store is told that a verifier has taken it', async () => {
  const told = [];
  const begin = (nowMs) => told.push(nowMs);
  verifierFor(ana, { store: { begin, commit: () => true }, clock: () => 1764000000000 });
  assert.deepEqual(told, [1764000000000]);
  for (const odd of [() => { throw new Error('disk'); }, async () => { throw new Error('disk'); }, 5, null]) assert.ok(call(verifierFor(ana, { store: { begin: odd, commit: () => true } })));
});
