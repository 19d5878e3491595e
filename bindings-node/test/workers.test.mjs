// The addon in several threads and more than once in one: FFI-12; and what happens if it is not there: FFI-15.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import { AUDIENCE, chainFor, verifierFor } from '../support/helpers.mjs';

const require = createRequire(import.meta.url);
const library = require.resolve('deputize');

const WORK = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { Agent, Verifier, MemoryStore } = require(workerData.library);
  const [ana, coder] = [Agent.generate('ana'), Agent.generate('coder')];
  const verifier = new Verifier({ trust: [ana], audience: 'a', store: new MemoryStore(1000) });
  const chain = ana.issue({ to: coder, tools: { t: {} } });
  let allowed = 0, replayed = 0;
  do {
    const proof = coder.prove(chain, 't', { n: allowed }, 'a');
    if (verifier.authorize(proof, 't', { n: allowed }).caller === 'coder') allowed++;
    try { verifier.authorize(proof, 't', { n: allowed - 1 }); } catch (error) { if (error.code === 'proof-replayed') replayed++; }
  } while (workerData.forever || allowed < 50);
  parentPort.postMessage({ allowed, replayed });
`;

test('eight workers and the main thread use it at once', async () => {
  const { ana, coder, chain } = chainFor();
  const workers = Array.from({ length: 8 }, () => new Worker(WORK, { eval: true, workerData: { library, forever: false } }));
  const answers = Promise.all(workers.map((worker) => once(worker, 'message')));
  const verifier = verifierFor(ana);
  for (let n = 0; n < 50; n++) assert.equal(verifier.authorize(coder.prove(chain, 'deploy', { n }, AUDIENCE), 'deploy', { n }).tool, 'deploy');
  for (const [answer] of await answers) assert.deepEqual(answer, { allowed: 50, replayed: 50 });
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test('workers that are terminated while they verify leave the rest alone', async () => {
  const workers = Array.from({ length: 8 }, () => new Worker(WORK, { eval: true, workerData: { library, forever: true } }));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  await pause(150);
  assert.deepEqual(await Promise.all(workers.map((worker) => worker.terminate())), Array(8).fill(1));
  const { ana, coder, chain } = chainFor();
  assert.ok(verifierFor(ana).authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {}));
});

test('loaded twice, its objects work and do not mix', () => {
  const first = require(library);
  const cached = Object.keys(require.cache).filter((file) => file.endsWith('.cjs'));
  const kept = cached.map((file) => [file, require.cache[file]]);
  for (const file of cached) delete require.cache[file];
  const second = require(library);
  for (const [file, module] of kept) require.cache[file] = module;
  assert.notEqual(first.Agent, second.Agent);
  const [ana, coder] = [second.Agent.generate('ana'), second.Agent.generate('coder')];
  const chain = ana.issue({ to: coder, tools: { t: {} } });
  const verifier = new first.Verifier({ trust: new first.TrustAnchor('ana', first.VerifyingKey.fromBytes(ana.key.bytes)), audience: 'a' });
  assert.equal(verifier.authorize(coder.prove(chain, 't', {}, 'a').text, 't', {}).caller, 'coder');
  assert.throws(() => new first.Verifier({ trust: [ana], audience: 'a' }), { code: 'config-invalid' });
});

test('another realm has its own objects, and they are plain here', () => {
  const { ana, coder, chain } = chainFor();
  const args = vm.runInNewContext('({ list: [1, { deep: true }], bytes: new Uint8Array([1]) })');
  assert.equal(verifierFor(ana).authorize(coder.prove(chain, 'deploy', args, AUDIENCE), 'deploy', args).arguments.list.length, 2);
  for (const source of ['new Date()', 'new Map()', 'new (class { x = 1 })', 'Object.create({})']) assert.throws(() => coder.prove(chain, 'deploy', { x: vm.runInNewContext(source) }, AUDIENCE), { code: 'value-unsupported' });
});

test('every native function catches a panic, and a fault there is an error with a code', () => {
  const folder = new URL('../src/', import.meta.url);
  const attributes = readdirSync(folder).flatMap((file) => readFileSync(new URL(file, folder), 'utf8').match(/#\[napi[^\]]*\]/g) ?? []);
  assert.ok(attributes.length > 40);
  assert.deepEqual([...new Set(attributes)].sort(), ['#[napi(catch_unwind)]', '#[napi(object, object_from_js = false)]']);
  const { call } = require('../lib/native.cjs');
  for (const run of [() => call('keyToSeed', {}), () => call('nothing'), () => call('valueEncode', Buffer.from('X')), () => call('valueEncode', Buffer.from([0x4c, 255, 255, 255, 255])), () => call('valueEncode', 5), () => call('admit', {}, 'fresh')]) assert.throws(run, { name: 'DeputizeError', code: 'internal' });
});
