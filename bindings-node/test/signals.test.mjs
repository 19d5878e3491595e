// Signals on decisions that a verifier made; the rules are tested in Rust.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuditLog, readLog } from 'deputize';
import { Signals } from 'deputize/signals';
import { AUDIENCE, chainFor, denied, folder, refused, verifierFor } from '../support/helpers.mjs';

test('a log is watched, and signals go into it', (t) => {
  const { ana, coder, chain } = chainFor();
  const path = join(folder(t), 'calls.log');
  const log = new AuditLog(path);
  const signals = new Signals({ learning: 0 });
  const told = [];
  const audit = (record) => {
    const sequence = log.append(record);
    if (typeof sequence === 'number') told.push(...signals.observe(record, sequence));
  };
  const verifier = verifierFor(ana, { audit });
  const proof = coder.prove(chain, 'deploy', {}, AUDIENCE);
  verifier.authorize(proof, 'deploy', {});
  denied('proof-replayed', () => verifier.authorize(proof, 'deploy', {}));
  log.appendJson(told.map((signal) => signal.record));
  log.close();
  assert.deepEqual(told.map(({ kind, entry }) => [kind, entry]), [['new-agent', 1], ['proof-replay', 2]]);
  assert.equal(told[0].text, 'coder never called before; now it called deploy');
  const records = Array.from(readLog(path), ([, record]) => record);
  assert.deepEqual(records.filter(({ kind }) => kind === 'signal').map(({ signal }) => signal), ['new-agent', 'proof-replay']);
  const again = new Signals({ learning: 0 });
  assert.deepEqual(records.flatMap((record, at) => again.observe(record, at)), told);
});

test('thresholds are taken, and wrong ones refused', () => {
  const record = { kind: 'decision', decision: 'deny', code: 'malformed', time: '2026-11-21T08:00:00.000Z' };
  const signals = new Signals({ learning: 1, capacity: 16, denials: [2, 60], approvals: [2, 1], mostPerMinute: 1 });
  assert.deepEqual([0, 1, 2, 3].flatMap((at) => signals.observe(record, at).map(({ kind }) => kind)), ['denial-burst']);
  for (const wrong of [{ learning: -1 }, { capacity: 15 }, { denials: [1, 60] }, { denials: 20 }, { approvals: [3, 0] }, { approvals: [3, 10, 1] }, { mostPerMinute: true }, { lerning: 1 }, 7]) {
    refused('config-invalid', () => new Signals(wrong));
  }
  refused('config-invalid', () => signals.observe(record, -1));
  for (const none of ['', '[]', { kind: 1 }, null]) refused('malformed', () => signals.observe(none, 0));
});

test('a log watches itself, and tells each signal once', (t) => {
  const { ana, coder, chain } = chainFor();
  const path = join(folder(t), 'calls.log');
  const told = [];
  const call = (log) => verifierFor(ana, { audit: log }).authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {});
  const options = { signals: new Signals({ learning: 0 }), onSignal: (signal) => told.push(signal) };
  const log = new AuditLog(path, options);
  call(log);
  call(log);
  log.close();
  call(new AuditLog(path, options));
  call(new AuditLog(path, { signals: new Signals({ learning: 0 }) }));
  assert.deepEqual(told.map(({ kind, entry }) => [kind, entry]), [['new-agent', 1]]);
  assert.ok(Object.isFrozen(told[0]) && JSON.parse(told[0].record).kind === 'signal');
  const kept = Array.from(readLog(path), ([, record]) => record).filter(({ kind }) => kind === 'signal');
  assert.deepEqual(kept.map(({ signal, entry }) => [signal, entry]), [['new-agent', 1]]);
});

test('whoever is told of signals may throw, put it off and use the log', (t) => {
  const { ana, coder, chain } = chainFor();
  const path = join(folder(t), 'calls.log');
  const told = [];
  let depth = 0;
  const onSignal = ({ kind }) => {
    assert.equal(depth++, 0);
    told.push(kind);
    // This gives signals of its own, which are told after this one.
    for (let n = 0; n < 2; n++) denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
    log.appendJson(['{"kind":"test"}']);
    depth--;
    if (told.length > 2) return Promise.reject(new Error('later'));
    throw new Error('no');
  };
  const log = new AuditLog(path, { signals: new Signals({ learning: 0, denials: [2, 60], mostPerMinute: 5 }), onSignal });
  const verifier = verifierFor(ana, { audit: log });
  assert.equal(verifier.authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {}).caller, 'coder');
  assert.deepEqual(told, ['new-agent', ...Array.from({ length: 5 }, () => 'denial-burst')]);
  assert.equal(Array.from(readLog(path)).filter(([, { kind }]) => kind === 'signal').length, 6);
});

test('only signals watch a log', (t) => {
  const path = join(folder(t), 'calls.log');
  for (const wrong of [{ signals: true }, { signals: {} }, { signals: null }, { onSignal: () => {} }, { signals: new Signals(), onSignal: 5 }, { signals: Object.create(Signals.prototype) }]) {
    refused('config-invalid', () => new AuditLog(path, wrong));
  }
});
