// The modules of the integrations as users get them: both module systems, types, and what is said where a framework is missing or another.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ai from 'deputize/ai';
import * as langchain from 'deputize/langchain';
import * as mastra from 'deputize/mastra';

const require = createRequire(import.meta.url);
const modules = { ai, langchain, mastra };
const needs = { ai: 'ai', langchain: '@langchain/core', mastra: '@mastra/core' };

test('ESM and CommonJS give the same objects, and the types say what is there', () => {
  for (const [name, module] of Object.entries(modules)) {
    const common = require(`deputize/${name}`);
    assert.deepEqual(Object.keys(module).sort(), Object.keys(common).sort());
    for (const key of Object.keys(common)) assert.equal(module[key], common[key], `${name}.${key}`);
    const types = readFileSync(new URL(`../../../bindings-node/lib/${name}.d.cts`, import.meta.url), 'utf8');
    const declared = [...types.matchAll(/^export (?:declare function (\w+)|\{ (\w+) \})/gm)].map((found) => found[1] ?? found[2]);
    assert.deepEqual(declared.sort(), Object.keys(common).sort());
  }
});

test('the real types of the frameworks fit', { timeout: 300_000 }, () => {
  const compiler = require.resolve('../../../bindings-node/node_modules/typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', '../../../bindings-node/node_modules/@types'];
  const done = spawnSync(process.execPath, [compiler, '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', ...types, 'types.mts'], { cwd: new URL('.', import.meta.url), encoding: 'utf8' });
  assert.equal(done.stdout, '');
});

test('a framework that is missing, or another release of it, is refused with the command that mends it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'deputize-frameworks-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, needed] of Object.entries(needs)) {
    const load = () => {
      const at = JSON.stringify(require.resolve(`deputize/${name}`));
      const done = spawnSync(process.execPath, ['-e', `try { require(${at}); console.log('loaded'); } catch (error) { console.log(error.code, error.message); }`], { cwd: folder, encoding: 'utf8' });
      return done.stdout;
    };
    assert.match(load(), new RegExp(`^config-invalid .*${needed} is not installed.*npm install .*${needed}@\\^`));
    mkdirSync(join(folder, 'node_modules', needed), { recursive: true });
    for (const version of ['0.9.0', '99.0.0', 'x']) {
      writeFileSync(join(folder, 'node_modules', needed, 'package.json'), JSON.stringify({ name: needed, version }));
      assert.match(load(), new RegExp(`^config-invalid .*${needed} is ${version}`));
    }
  }
});

test('ranges are as in npm', () => {
  const { within } = require('../../../bindings-node/lib/versions.cjs');
  for (const good of ['1.2.3', '1.2.4', '1.3.0', '1.10.0', '1.2.3-rc.1']) assert.ok(within(good, '^1.2.3'), good);
  for (const bad of ['1.2.2', '1.1.9', '0.9.9', '2.0.0', 'x', '']) assert.ok(!within(bad, '^1.2.3'), bad);
});
