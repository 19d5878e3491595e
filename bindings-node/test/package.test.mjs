// The package as users get it: both module systems, types, and what `npm pack` makes, installed in an empty folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as constraints from 'deputize/constraints';
import * as deputize from 'deputize';
import * as exported from 'deputize/export';
import * as mcp from 'deputize/mcp';
import * as otel from 'deputize/otel';
import * as redis from 'deputize/redis';
import * as signals from 'deputize/signals';
import { folder } from '../support/helpers.mjs';

/** What has a page of types of its own. */
const beside = { 'deputize/export': exported, 'deputize/mcp': mcp, 'deputize/otel': otel, 'deputize/redis': redis, 'deputize/signals': signals };
const require = createRequire(import.meta.url);
const root = resolve(fileURLToPath(new URL('..', import.meta.url)));

function run(command, parameters, cwd) {
  const done = spawnSync(command, parameters, { cwd, encoding: 'utf8', env: { ...process.env, NODE_PATH: '', npm_config_cache: join(cwd, '.npm-cache') } });
  assert.equal(done.status, 0, `${command} ${parameters.join(' ')}\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

test('ESM and CommonJS give the same objects, and all of them', () => {
  for (const [name, module] of [['deputize', deputize], ['deputize/constraints', constraints], ...Object.entries(beside)]) {
    const common = require(name);
    assert.deepEqual(Object.keys(module).sort(), Object.keys(common).sort());
    for (const key of Object.keys(common)) assert.equal(module[key], common[key], `${name}.${key}`);
  }
});

test('the types say what is there, and refuse what is not', () => {
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit', '-p', 'support/types'], root);
  const declared = ['index', 'actor', 'constraints', 'budget', 'approval', 'identity', 'log', 'message', 'revocation'].map((name) => readFileSync(join(root, `lib/${name}.d.cts`), 'utf8')).join('\n');
  const names = [...declared.matchAll(/^export declare (?:class|function|const) (\w+)/gm)].map((match) => match[1]);
  assert.deepEqual([...new Set(names)].sort(), Object.keys(deputize).sort());
  for (const [name, module] of Object.entries(beside)) {
    const types = readFileSync(join(root, `lib/${name.split('/')[1]}.d.cts`), 'utf8');
    const found = [...types.matchAll(/^export (?:declare (?:class|function|const) (\w+)|\{ (\w+) \} from)/gm)].map((match) => match[1] ?? match[2]);
    assert.deepEqual(found.sort(), Object.keys(module).sort());
  }
});

test('the packed package installs in an empty folder and runs the quick start', (t) => {
  const at = folder(t);
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', at, root], at));
  const packed = files.map((file) => file.path);
  assert.ok(packed.includes('deputize.node') && packed.includes('README.md') && packed.includes('lib/index.d.mts'), packed.join(' '));
  assert.deepEqual(packed.filter((path) => !/^(lib\/[\w.-]+\.(cjs|mjs|d\.cts|d\.mts)|deputize\.node|package\.json|README\.md|LICENSE[\w.-]*)$/.test(path)), []);
  const app = join(at, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"private":true}');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(at, filename)], app);
  assert.deepEqual(readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.')), ['deputize']);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, code] = /## Quick start\s+```js\n([\s\S]*?)```/.exec(readme);
  const [, output] = /It prints:\s+```\n([\s\S]*?)```/.exec(readme);
  writeFileSync(join(app, 'start.mjs'), code);
  assert.equal(run(process.execPath, ['start.mjs'], app), output);
  assert.deepEqual(readFileSync(join(app, 'audit.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).record.code), [undefined, 'allowed', 'proof-replayed']);
  assert.equal(run(process.execPath, ['-p', "require('deputize/mcp').META_KEY + require('deputize/constraints').exact(1).accepts(1)"], app).trim(), 'dev.deputize/presentationtrue');
  rmSync(join(app, 'node_modules/deputize/deputize.node'));
  const without = run(process.execPath, ['-e', "try { require('deputize'); console.log('loaded'); } catch (error) { console.log(error.name, error.code); }"], app);
  assert.equal(without.trim(), 'DeputizeError config-invalid');
  writeFileSync(join(app, 'node_modules/deputize/deputize.node'), 'for another machine');
  assert.equal(run(process.execPath, ['-e', "try { require('deputize'); } catch (error) { console.log(error.code, error.cause !== undefined); }"], app).trim(), 'config-invalid true');
});

test('the lock file names no place to fetch from', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  assert.ok(Object.keys(lock.packages).length > 50);
  for (const [name, entry] of Object.entries(lock.packages)) assert.equal(entry.resolved, undefined, name);
});
