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
