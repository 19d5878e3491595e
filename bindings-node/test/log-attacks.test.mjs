// The audit log under attack: sinks that fail in every way, readers beside writers, logs that lie, and outcomes that would be lost. AUD-18.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Actor, Agent, AuditLog, MemoryStore, ParentAttestor, Registrar, RenewalPolicy, checkLog, logFiles, openCalls, readLog } from 'deputize';
import { DENIAL_KEY, guard, signCalls } from 'deputize/mcp';
import { AUDIENCE, chainFor, denied, folder, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, coder, chain } = chainFor();
const proof = (args = {}) => coder.prove(chain, 'deploy', args, AUDIENCE);
const call = (verifier, args = {}) => verifier.authorize(proof(args), 'deploy', args);
const records = (path) => Array.from(readLog(path), ([, record]) => record);
const kinds = (path) => records(path).map((record) => record.kind);
const pathIn = (t) => join(folder(t), 'calls.log');

/** A sink that can be broken. */
function breakable(log) {
  const state = { works: true };
  state.audit = (record) => {
    if (!state.works) throw new Error('no space');
    return log.append(record);
  };
  return state;
}

test('renewed tokens are recorded, and given to nobody without it', (t) => {
  const path = pathIn(t);
  const sink = breakable(new AuditLog(path));
  const [boss, planner, worker] = ['boss', 'planner', 'worker'].map((name) => Agent.generate(name, { audit: sink.audit }));
  const root = boss.issue({ to: planner, tools: { t: {} }, ttl: 60 });
  const part = planner.delegate(root, { to: worker, tools: { t: {} }, ttl: 30 });
  const policy = new RenewalPolicy('1h', Math.floor(Date.now() / 1000) + 86_400);
  const renewed = policy.renewRoot(boss, root);
  assert.ok(policy.renew(planner, renewed, part));
  assert.deepEqual(kinds(path), ['opened', 'issued', 'delegated', 'issued', 'delegated']);
  sink.works = false;
  refused('audit-unavailable', () => policy.renewRoot(boss, root));
  refused('audit-unavailable', () => policy.renew(planner, renewed, part));
});

test('identities of a registrar are recorded, and given to nobody without it', async (t) => {
  const path = pathIn(t);
  const sink = breakable(new AuditLog(path));
  const [ids, runner, child] = [Agent.generate('ids', { audit: sink.audit }), Agent.generate('runner'), Agent.generate('child')];
  const [store, registrar] = [new MemoryStore(), new Registrar(ids, [new ParentAttestor('parent', [runner])])];
  const request = () => {
    const challenge = registrar.challenge();
    return child.enrol(challenge, 'ids', 'parent', runner.vouch('runner/child', child, challenge));
  };
  registrar.enrol(request(), store);
  await registrar.enrolAsync(request(), store);
  registrar.issue(registrar.admit(request(), store));
  assert.deepEqual(kinds(path), ['opened', 'identified', 'identified', 'identified']);
  sink.works = false;
  refused('audit-unavailable', () => registrar.enrol(request(), store));
});

const raising = new Proxy({}, { get() { throw new Error('no'); } });
for (const [name, audit] of Object.entries({
  generator: function* () { yield; },
  'generator that is asynchronous': async function* () { yield; },
  'promise of a generator': async () => (function* () { yield; })(),
  'answer that fails': () => raising,
})) {
  test(`a sink that puts it off has recorded nothing: ${name}`, async () => {
    const verifier = verifierFor(ana, { audit });
    denied('audit-unavailable', () => call(verifier));
    await rejected('audit-unavailable', verifier.authorizeAsync(proof(), 'deploy', {}));
    denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
    refused('audit-unavailable', () => Agent.generate('ana', { audit }).openSession());
    const careless = verifierFor(ana, { audit, dangerAllowUnrecorded: true });
    const allowed = call(careless);
    refused('audit-unavailable', () => careless.outcome(allowed));
    await rejected('audit-unavailable', careless.outcomeAsync(allowed));
  });
}

test('unrecorded calls that are allowed allow nothing else', async () => {
  const audit = () => { throw new Error('no space'); };
  const [careless, careful] = [verifierFor(ana, { audit, dangerAllowUnrecorded: true }), verifierFor(ana, { audit })];
  const allowed = call(careless);
  denied('audit-unavailable', () => call(careful));
  refused('audit-unavailable', () => careless.outcome(allowed));
  refused('audit-unavailable', () => careless.revokeKey(coder));
  denied('key-revoked', () => call(careless));
});

test('a sink that blocks holds up its own call and no other', async (t) => {
  const path = pathIn(t);
  const log = new AuditLog(path);
  let go;
  const held = new Promise((resolve) => { go = resolve; });
  let first = true;
  const audit = async (record) => {
    if (first) {
      first = false;
      await held;
    }
    log.append(record);
  };
  const verifier = verifierFor(ana, { audit });
  let isOver = false;
  const waiting = verifier.authorizeAsync(proof(), 'deploy', {}).finally(() => { isOver = true; });
  for (let n = 0; n < 7; n++) await verifier.authorizeAsync(proof({ n }), 'deploy', { n });
  assert.deepEqual([isOver, kinds(path).length], [false, 8]);
  go();
  assert.equal((await waiting).caller, 'coder');
  assert.equal(kinds(path).length, 9);
});

test('a sink that uses the verifier and destroys its log ends with a denial', (t) => {
  const path = pathIn(t);
  const log = new AuditLog(path);
  let depth = 0;
  const verifier = verifierFor(ana, {
    audit: (record) => {
      log.append(record);
      if (depth++ < 2) {
        call(verifier, { depth });
        denied('proof-missing', () => verifier.authorize(null, 'deploy', {}));
      }
    },
  });
  call(verifier);
  assert.equal(kinds(path).filter((kind) => kind === 'decision').length, 5);
  unlinkSync(path);
  denied('audit-unavailable', () => call(verifier));
  assert.ok(!existsSync(path));
  const closing = new AuditLog(`${path}.other`);
  denied('audit-unavailable', () => call(verifierFor(ana, { audit: (record) => { closing.close(); closing.append(record); } })));
});

test('workers of one process take turns on one log', async (t) => {
  const path = pathIn(t);
  const library = createRequire(import.meta.url).resolve('deputize');
  const work = `
    const { workerData } = require('node:worker_threads');
    const { AuditLog } = require(workerData.library);
    const log = new AuditLog(workerData.path, { rotateAt: 20_000 });
    for (let n = 0; n < 200; n++) log.appendJson(['{"kind":"test","n":' + n + ',"writer":' + workerData.writer + '}']);
  `;
  const workers = Array.from({ length: 4 }, (_, writer) => new Worker(work, { eval: true, workerData: { library, path, writer } }));
  for (const [code] of await Promise.all(workers.map((worker) => once(worker, 'exit')))) assert.equal(code, 0);
  const written = records(path).filter(({ kind }) => kind === 'test').map(({ writer, n }) => `${writer} ${n}`);
  assert.deepEqual([written.length, new Set(written).size], [800, 800]);
});

test('a log is read as it is while others write and put files away', async (t) => {
  const path = pathIn(t);
  const script = fileURLToPath(new URL('../support/log-writer.mjs', import.meta.url));
  const writer = spawn(process.execPath, [script, path, '3000', '', 'w'], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    while (!existsSync(path) || logFiles(path).length < 3) await pause(10);
    for (let n = 0; n < 20; n++) {
      const sizes = Array.from(readLog(path), ([sequence]) => sequence);
      assert.deepEqual(sizes, Array.from(sizes, (_, at) => at));
      assert.ok(checkLog(path).size >= sizes.length);
    }
  } finally {
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  }
});

test('a check says how far it is, and stops where that raises', (t) => {
  const path = pathIn(t);
  const log = new AuditLog(path, { rotateAt: 2000 });
  for (let n = 0; n < 100; n++) log.appendJson(['{"kind":"test"}']);
  const told = [];
  const progress = (...parts) => told.push(parts);
  checkLog(path, [], { progress });
  assert.ok(told.length > 5 && told.at(-1)[0] === told.at(-1)[1] && told.at(-1)[0] > 2000);
  told.length = 0;
  assert.throws(() => checkLog(path, [], { progress: (...parts) => { progress(...parts); throw new RangeError('stop'); } }), RangeError);
  assert.equal(told.length, 1);
  for (const bad of [{ progress: 5 }, { progres: () => {} }, 5]) refused('config-invalid', () => checkLog(path, [], bad));
});

test('open calls of a log that lies are counted all the same', (t) => {
  for (const [record, isOpen] of [
    ['{}', false],
    ['{"decision":"allow","kind":"decision"}', true],
    ['{"chain":[],"decision":"allow","kind":"decision","proof":"a"}', true],
    ['{"chain":[null],"decision":"allow","kind":"decision","proof":{}}', true],
    ['{"chain":[{"key":{}}],"decision":"allow","kind":"decision","proof":[1]}', true],
    ['{"chain":7,"decision":"allow","kind":"decision"}', true],
    ['{"caller":{},"kind":"outcome","proof":[]}', false],
    ['{"__proto__":{"decision":"allow","kind":"decision"},"kind":"outcome"}', false],
    ['{"kind":[]}', false],
  ]) {
    const path = pathIn(t);
    const log = new AuditLog(path);
    call(verifierFor(ana, { audit: log }));
    log.appendJson([record]);
    assert.deepEqual(openCalls(path).map(([sequence]) => sequence), isOpen ? [1, 2] : [1], record);
  }
});

test('a number of entries between checkpoints needs a key', (t) => {
  const path = pathIn(t);
  refused('config-invalid', () => new AuditLog(path, { checkpointEvery: 5 }));
  assert.ok(!existsSync(path));
});

test('what cannot be read is refused by the clock of the verifier', () => {
  const verifier = verifierFor(ana, { clock: () => 1_790_000_000_000 });
  assert.equal(denied('value-unsupported', () => verifier.authorize(null, 'deploy', { a: undefined })).record.timeMs, 1_790_000_000_000);
});

test('a denial and its record are tied by the proof', (t) => {
  const path = pathIn(t);
  const verifier = verifierFor(ana, { audit: new AuditLog(path) });
  const told = denied('tool-not-allowed', () => verifier.authorize(coder.prove(chain, 'other', {}, AUDIENCE), 'other', {}));
  assert.equal(told.record.proof, records(path).at(-1).proof);
  assert.match(told.record.proof, /^[0-9a-f]{32}$/);
  assert.equal(denied('proof-missing', () => verifier.authorize(null, 'other', {})).record.proof, null);
});

test('each call of a guarded server has one outcome, however its tool ends', async (t) => {
  const path = pathIn(t);
  const ends = {
    well: () => ({ content: [] }),
    error: () => ({ content: [], isError: true }),
    raised: () => { throw new TypeError('secret'); },
    nothing: () => { throw null; },
    name: () => { throw Object.defineProperty(new Error('secret'), 'name', { get() { throw new Error('again'); } }); },
    surrogate: () => { throw Object.assign(new Error('secret'), { name: '\ud800' }); },
    symbol: () => { throw Object.assign(new Error('secret'), { name: Symbol('x') }); },
  };
  const server = new Server({ name: 's', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => ends[params.arguments.how]());
  guard(server, verifierFor(ana, { audit: new AuditLog(path) }));
  const client = signCalls(new Client({ name: 'c', version: '1.0.0' }), new Actor(coder, chain), AUDIENCE);
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  t.after(() => Promise.all([client.close(), server.close()]));
  for (const how of Object.keys(ends)) await client.callTool({ name: 'deploy', arguments: { how } }, undefined, { timeout: 500 }).catch(() => {});
  assert.deepEqual(openCalls(path), []);
  const outcomes = records(path).filter(({ kind }) => kind === 'outcome').map(({ error }) => error);
  assert.deepEqual(outcomes, [undefined, 'the tool reported an error', 'TypeError', 'null', 'unknown', '\ufffd', 'Symbol(x)']);
  assert.ok(!JSON.stringify(records(path)).includes('secret'));
  const refusal = await client.callTool({ name: 'other', arguments: {} });
  assert.equal(refusal._meta[DENIAL_KEY].proof, records(path).at(-1).proof);
});
