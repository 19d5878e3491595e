// The audit log: what is recorded, what nobody can change unseen, and what is left after a crash. AUD-01 to AUD-18.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  Agent, ApprovalRequest, AuditLog, Checkpoint, CheckpointPolicy, LogCheck, NoteKey, RevocationList, Target, Witness, argumentsDigest, checkLog, logFiles,
  makeReceipt, openCalls, proveConsistency, readLog, recordSentence, rotate, verifyReceipt,
} from 'deputize';
import { AUDIENCE, chainFor, denied, folder, refused, rejected, verifierFor } from '../support/helpers.mjs';

const ORIGIN = 'acme.example/calls';
const { ana, coder, chain } = chainFor();
const proof = (args = {}) => coder.prove(chain, 'deploy', args, AUDIENCE);
const call = (verifier, args = {}) => verifier.authorize(proof(args), 'deploy', args);
const numbered = (count, start = 0) => Array.from({ length: count }, (_, at) => `{"kind":"test","number":${start + at}}`);
const records = (path) => Array.from(readLog(path), ([, record]) => record);
const kinds = (path) => records(path).map((record) => record.kind);
const pathIn = (t) => join(folder(t), 'calls.log');

test('each decision is recorded before it is given', (t) => {
  const path = pathIn(t);
  const log = new AuditLog(path, { arguments: true, sync: true });
  const verifier = verifierFor(ana, { audit: log });
  call(verifier, { a: 'é\n' });
  denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
  denied('malformed', () => verifier.authorize(new Uint8Array(3), 't', {}));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const found = records(path);
  assert.deepEqual(found.map((record) => record.code), [undefined, 'allowed', 'proof-missing', 'malformed']);
  assert.deepEqual([found[0].kind, found[0].origin, found[1].arguments], ['opened', 'calls.log', { a: 'é\n' }]);
  log.close();
  log.close();
  denied('audit-unavailable', () => call(verifier));
  denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
  const again = new AuditLog(path);
  assert.equal(again.append(denied('proof-missing', () => verifierFor(ana).authorize(null, 'deploy', {})).record), 4);
  assert.equal(again.size, 5);
});

test('arguments are disclosed by name and digests salted', (t) => {
  const args = { amount: 5, iban: 'DE00' };
  const recorded = (options) => {
    const path = pathIn(t);
    call(verifierFor(ana, { audit: new AuditLog(path, options) }), args);
    return records(path).at(-1);
  };
  const plain = Buffer.from(argumentsDigest(args)).toString('hex');
  assert.deepEqual([recorded().arguments_digest, recorded().arguments], [plain, undefined]);
  assert.deepEqual(recorded({ arguments: ['amount', 'other'] }).arguments, { amount: 5 });
  const salt = new Uint8Array(32).fill(7);
  const mac = createHmac('sha256', salt).update(Buffer.from(plain, 'hex')).digest('hex');
  const salted = recorded({ salt });
  assert.deepEqual([salted.arguments_digest, salted.arguments_salted], [mac, true]);
  for (const bad of [{ salt: new Uint8Array(31) }, { salt: 'x' }, { arguments: [5] }, { arguments: {} }]) refused('config-invalid', () => recorded(bad));
});

test('unrecorded calls are allowed only by name', async () => {
  const audit = () => { throw new Error('no space'); };
  denied('audit-unavailable', () => call(verifierFor(ana, { audit })));
  assert.equal(call(verifierFor(ana, { audit, dangerAllowUnrecorded: true })).caller, 'coder');
  const verifier = verifierFor(ana, { audit: async () => { throw new Error('no space'); }, dangerAllowUnrecorded: true });
  assert.equal((await verifier.authorizeAsync(proof(), 'deploy', {})).caller, 'coder');
  for (const bad of [1, 'yes', null]) refused('config-invalid', () => verifierFor(ana, { dangerAllowUnrecorded: bad }));
});

test('the outcome of a call is recorded, and without it the call is open', async (t) => {
  const path = pathIn(t);
  const verifier = verifierFor(ana, { audit: new AuditLog(path) });
  const calls = [call(verifier), call(verifier), call(verifier)];
  verifier.outcome(calls[0]);
  await verifier.outcomeAsync(calls[2], { error: 'timed\nout' });
  assert.deepEqual(records(path).slice(-2).map(({ result, error }) => [result, error]), [['succeeded', undefined], ['failed', 'timed\\u{a}out']]);
  assert.deepEqual(openCalls(path).map(([sequence]) => sequence), [2]);
  for (const bad of [null, 'x', {}]) refused('config-invalid', () => verifier.outcome(bad));
  refused('config-invalid', () => verifier.outcome(calls[0], { error: 5 }));
});

test('the delegation tree is rebuilt from the log alone', (t) => {
  const path = pathIn(t);
  const audit = new AuditLog(path);
  const [boss, planner, bo] = ['boss', 'planner', 'bo'].map((name) => Agent.generate(name, { audit }));
  const worker = Agent.generate('worker');
  const session = boss.openSession({ task: 'fix the login' });
  const root = boss.issue({ to: planner, tools: { deploy: {}, read: {} }, session, reason: 'fix the login' });
  const verifier = verifierFor(boss, { audit });
  const part = planner.delegate(root, { to: worker, tools: { deploy: {} }, ttl: '5m' });
  const request = new ApprovalRequest(part, 'deploy', {}, AUDIENCE);
  bo.approve(request, { reason: 'go' });
  bo.deny(request);
  boss.consent({ holder: worker, issuer: 'boss', audience: AUDIENCE });
  boss.issueIdentity('worker', worker);
  verifier.authorize(worker.prove(part, 'deploy', {}, AUDIENCE), 'deploy', {});
  new RevocationList(1, { revoke: [Target.key(worker)] }).sign(boss, { ttl: '1h' });
  rotate(boss, Agent.generate('boss2'));
  verifier.revokeKey(worker);
  verifier.closeSession('boss', session.id);
  const found = records(path);
  assert.deepEqual(found.map((record) => record.kind), [
    'opened', 'session_opened', 'issued', 'delegated', 'approved', 'refused', 'consented', 'identified', 'decision', 'revoked', 'rotated', 'revoked', 'revoked',
  ]);
  assert.deepEqual([found[3].by, found[3].tools, found[3].chain.map((holder) => holder.name)], [planner.did, ['deploy'], ['planner', 'worker']]);
  assert.deepEqual(found.slice(-1)[0].targets, [`session:${session}`]);
  const sentences = found.map((record) => recordSentence(JSON.stringify(record)));
  assert.ok(sentences[3].includes('planner delegated deploy to worker for boss until'), sentences[3]);
  assert.ok(sentences[4].includes('bo approved deploy (request'), sentences[4]);
});

test('an agent whose sink fails gives nothing away', () => {
  for (const audit of [() => { throw new Error('down'); }, async () => {}, () => Promise.reject(new Error('down'))]) {
    const agent = Agent.generate('ana', { audit });
    refused('audit-unavailable', () => agent.issue({ to: coder, tools: {} }));
    refused('audit-unavailable', () => agent.openSession());
    refused('audit-unavailable', () => new RevocationList(1).sign(agent, { ttl: '1h' }));
    refused('audit-unavailable', () => rotate(agent, coder));
  }
  for (const bad of [5, 'x', null, {}]) refused('config-invalid', () => Agent.generate('x', { audit: bad }));
  const seen = [];
  Agent.generate('ana', { audit: (event) => { seen.push(event); } }).issue({ to: coder, tools: {} });
  assert.deepEqual([seen[0].kind, seen[0].toJSON().kind, seen[0].timeMs > 0], ['issued', 'issued', true]);
  assert.ok(inspect(seen[0]).includes('issued'));
});

test('every change is named with its place', (t) => {
  const path = pathIn(t);
  new AuditLog(path, { origin: ORIGIN }).appendJson(numbered(9));
  const report = checkLog(path);
  assert.deepEqual([report.anchored, report.size], [null, 10]);
  const whole = readFileSync(path, 'utf8');
  const lines = whole.split(/(?<=\n)/);
  const anchor = new Checkpoint(ORIGIN, 10, report.root);
  assert.equal(checkLog(path, [anchor]).anchored, 10);
  const judged = (code, entry, text) => {
    writeFileSync(path, text);
    assert.equal(refused(code, () => checkLog(path, [anchor])).entry, entry);
    refused(code, () => [...readLog(path, [anchor])]);
  };
  judged('log-changed', 5, whole.replace('"number":4', '"number":5'));
  judged('log-changed', 0, whole.replace('"number":8', '"number":9'));
  judged('log-truncated', 7, lines.slice(0, 7).join(''));
  judged('log-gap', 4, [...lines.slice(0, 4), ...lines.slice(5)].join(''));
  judged('log-gap', 4, [...lines.slice(0, 4), lines[5], lines[4], ...lines.slice(6)].join(''));
  judged('log-torn', 9, whole.slice(0, -5));
  judged('log-malformed', 0, 'hello\n');
  refused('audit-unavailable', () => checkLog(join(path, '..', 'none')));
});

test('a log that was cut is not gone on with', (t) => {
  const path = pathIn(t);
  const key = Agent.generate('log');
  const log = new AuditLog(path, { origin: ORIGIN, key, checkpointEvery: 5 });
  log.appendJson(numbered(20));
  assert.ok(log.latestCheckpoint !== null);
  log.close();
  const checkpoint = new CheckpointPolicy([NoteKey.ofLog(ORIGIN, key)]).verify(readFileSync(`${path}.checkpoint`, 'utf8'));
  assert.deepEqual([checkpoint.size, checkpoint.origin], [21, ORIGIN]);
  const lines = readFileSync(path, 'utf8').split(/(?<=\n)/);
  writeFileSync(path, lines.slice(0, 15).join(''));
  refused('log-truncated', () => new AuditLog(path, { origin: ORIGIN, key }));
  unlinkSync(`${path}.checkpoint`);
  refused('log-truncated', () => new AuditLog(path, { origin: ORIGIN, expect: [checkpoint] }));
  writeFileSync(path, lines.join(''));
  assert.equal(new AuditLog(path, { origin: ORIGIN, expect: [checkpoint] }).size, 21);
  refused('log-foreign', () => new AuditLog(path, { origin: 'other' }));
  refused('name-invalid', () => new AuditLog(path, { origin: 'a b' }));
  refused('config-invalid', () => new AuditLog(path, { origin: ORIGIN }).checkpoint());
  for (const bad of [{ expect: [5] }, { arguments: 1 }, { sync: 'x' }, { rotateAt: -1 }, { clock: 5 }, { file: 'x' }]) refused('config-invalid', () => new AuditLog(path, { origin: ORIGIN, ...bad }));
  refused('key-invalid', () => new AuditLog(path, { key: 5 }));
  for (const bad of [undefined, 5, 'a\ud800']) refused('config-invalid', () => new AuditLog(bad));
  refused('audit-unavailable', () => new AuditLog('a\0b', { origin: ORIGIN }));
});

test('witnesses and receipts', (t) => {
  const path = pathIn(t);
  const [key, watcher] = [Agent.generate('log'), Agent.generate('w1.example')];
  const log = new AuditLog(path, { origin: ORIGIN, key });
  log.appendJson(numbered(6));
  const first = log.checkpoint();
  log.appendJson(numbered(6));
  const second = log.checkpoint();
  const policy = new CheckpointPolicy([NoteKey.ofLog(ORIGIN, key)]);
  const witness = new Witness(watcher, policy);
  witness.cosign(first);
  refused('checkpoint-inconsistent', () => witness.cosign(second));
  const line = witness.cosign(second, { proof: proveConsistency(path, 7, policy.verify(second)) });
  refused('checkpoint-rollback', () => witness.cosign(first));
  refused('checkpoint-equivocation', () => witness.cosign(new Checkpoint(ORIGIN, 13, new Uint8Array(32)).sign(key)));
  assert.equal(witness.seen, second);
  refused('checkpoint-rollback', () => new Witness(watcher, policy, { seen: witness.seen }).cosign(first));
  const cosigned = new CheckpointPolicy([NoteKey.ofLog(ORIGIN, key)], { witnesses: [NoteKey.ofWitness('w1.example', watcher)] });
  assert.equal(cosigned.verify(second + line).size, 13);
  refused('checkpoint-invalid', () => cosigned.verify(second));
  refused('config-invalid', () => new CheckpointPolicy([]));
  const lines = readFileSync(path, 'utf8').split('\n');
  const receipt = makeReceipt(path, 3, second);
  assert.equal(verifyReceipt(receipt, lines[3], policy).size, 13);
  refused('receipt-invalid', () => verifyReceipt(receipt, lines[4], policy));
  refused('config-invalid', () => makeReceipt(path, 13, second));
  const text = String(NoteKey.ofLog(ORIGIN, key));
  assert.equal(String(NoteKey.fromText(text)), text);
  refused('checkpoint-invalid', () => NoteKey.fromText(text.slice(0, -1)));
});

test('garbage from anybody fills no disk', (t) => {
  const path = pathIn(t);
  let now = Date.now();
  const clock = () => now;
  const log = new AuditLog(path, { unprovenPerMinute: 10, clock });
  const verifier = verifierFor(ana, { audit: log, clock });
  for (let n = 0; n < 500; n++) {
    denied('malformed', () => verifier.authorize(new Uint8Array(3), 'deploy', {}));
    denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
  }
  call(verifier);
  assert.equal(kinds(path).length, 12);
  now += 61_000;
  denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
  log.close();
  assert.deepEqual(records(path).filter((record) => record.kind === 'suppressed').map((record) => record.suppressed), [{ malformed: 495, 'proof-missing': 495 }]);
});

for (const [rotateAt, sync] of [[10_000_000, 'sync'], [1500, '']]) {
  test(`killed at any moment nothing that was acknowledged is lost (files of ${rotateAt} bytes)`, async (t) => {
    const path = pathIn(t);
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [new URL('../support/log-writer.mjs', import.meta.url).pathname, path, String(rotateAt), sync, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text) => { said += text; });
      await once(child.stdout, 'data');
      await pause(round * 3);
      child.kill('SIGKILL');
      await Promise.all([once(child, 'exit'), once(child.stdout, 'close')]);
      const acknowledged = said.split('\n').slice(0, -1).map(Number);
      new AuditLog(path, { origin: ORIGIN }).close();
      const found = new Set(records(path).filter((record) => record.writer === String(round)).map((record) => record.number));
      assert.deepEqual(acknowledged.filter((number) => !found.has(number)), []);
      assert.ok(found.size <= acknowledged.length + 1);
    }
    assert.equal(logFiles(path).length > 1, rotateAt === 1500);
  });
}

test('wrong types are refused', async (t) => {
  const log = new AuditLog(pathIn(t), { origin: ORIGIN });
  for (const bad of [undefined, null, 5, '{}', {}]) refused('config-invalid', () => log.append(bad));
  for (const bad of [[5], ['x'], ['{} '], ['[]'], '{}', null, undefined]) refused('log-malformed', () => log.appendJson(bad));
  assert.equal(log.size, 1);
  const check = new LogCheck();
  refused('log-malformed', () => check.push(5));
  check.finish();
  refused('config-invalid', () => check.finish());
  for (const bad of [null, 5, [5]]) refused('config-invalid', () => new LogCheck(bad));
  for (const bad of ['', 'x', 5, undefined]) assert.throws(() => new Checkpoint(ORIGIN, 1, bad), { code: 'checkpoint-invalid' });
  await rejected('config-invalid', verifierFor(ana).outcomeAsync(null));
});
