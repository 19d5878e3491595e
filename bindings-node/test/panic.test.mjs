// A panic in the native part is an ordinary error: FFI-10. The addon that panics is built by `npm run build -- --test-panic` and is not in the
// package; here it stands in a copy of the package, where `lib/` finds it under the usual name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folder } from '../support/helpers.mjs';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

const STORY = `
  const { Agent, Verifier, DeputizeError } = require('./lib/index.cjs');
  const { call } = require('./lib/native.cjs');
  const [ana, coder] = [Agent.generate('ana'), Agent.generate('coder')];
  const verifier = new Verifier({ trust: [ana], audience: 'a' });
  const chain = ana.issue({ to: coder, tools: { t: {} } });
  for (let n = 0; n < 3; n++) {
    try {
      call('testPanic');
      console.log('no panic');
    } catch (error) {
      console.log(error instanceof DeputizeError, error.code, error.help.length > 0, error.message.includes('for a test'));
    }
    console.log(verifier.authorize(coder.prove(chain, 't', { n }, 'a'), 't', { n }).caller);
  }
`;

test('a panic is an error with the code internal, and the process and the next call work', (t) => {
  const at = folder(t);
  mkdirSync(join(at, 'package'));
  cpSync(join(root, 'lib'), join(at, 'package/lib'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(at, 'package/package.json'));
  copyFileSync(join(root, 'test-panic.node'), join(at, 'package/deputize.node'));
  const ran = spawnSync(process.execPath, ['-e', STORY], { cwd: join(at, 'package'), encoding: 'utf8' });
  assert.deepEqual([ran.status, ran.signal], [0, null], ran.stderr);
  assert.deepEqual(ran.stdout.trimEnd().split('\n'), Array(3).fill(['true internal true false', 'coder']).flat());
  // Rust reports each panic, so these were real ones.
  assert.equal(ran.stderr.match(/a panic, for a test/g).length, 3, ran.stderr);
});

test('the addon that users get has no function that panics', () => {
  const [usual, panics] = [require('../deputize.node'), require('../test-panic.node')].map(Object.keys);
  assert.deepEqual(panics.filter((name) => !usual.includes(name)), ['testPanic']);
  assert.deepEqual(usual.filter((name) => !panics.includes(name)), []);
});
