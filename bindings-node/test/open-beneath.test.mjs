// Files below a root: what the token allows by name is below the root in fact. Named as in the list of attacks.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, existsSync, fstatSync, linkSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { openBeneath } from 'deputize';
import { path } from 'deputize/constraints';
import { AUDIENCE, chainFor, denied, folder, refused, verifierFor } from '../support/helpers.mjs';

const unix = { skip: process.platform === 'win32' && 'files below a root are opened on Unix only' };
const linux = { skip: process.platform !== 'linux' && 'there is no /proc/self/root' };
const here = fileURLToPath(new URL('.', import.meta.url));
const WAYS = [{}, { write: true }, { write: true, truncate: true }];

/** A root with two files, and beside it a secret that is the same at the end. */
function world(t) {
  const at = folder(t);
  const [root, secret] = [join(at, 'root'), join(at, 'outside', 'secret.txt')];
  mkdirSync(join(root, 'docs'), { recursive: true });
  mkdirSync(join(at, 'outside'));
  for (const [file, text] of [[join(root, 'notes.txt'), 'notes'], [join(root, 'docs/plan.txt'), 'plan'], [secret, 'secret']]) writeFileSync(file, text);
  const unharmed = () => {
    assert.equal(readFileSync(secret, 'utf8'), 'secret');
    assert.deepEqual(readdirSync(join(at, 'outside')), ['secret.txt']);
  };
  return { root, secret, unharmed };
}

function read(root, name) {
  const descriptor = openBeneath(root, name);
  try {
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function write(root, name, text, options) {
  const descriptor = openBeneath(root, name, { write: true, ...options });
  writeSync(descriptor, text);
  closeSync(descriptor);
}

function allRefused(code, context, root, name) {
  for (const options of WAYS) {
    const error = refused(code, () => openBeneath(root, name, options));
    assert.ok(error.message.includes(context), error.message);
  }
}

test('the descriptor is one for node:fs', unix, async (t) => {
  const { root } = world(t);
  for (const name of ['notes.txt', join(root, 'notes.txt')]) assert.equal(read(root, name), 'notes');
  let text = '';
  for await (const part of createReadStream(null, { fd: openBeneath(root, 'docs/plan.txt'), encoding: 'utf8' })) text += part;
  assert.equal(text, 'plan');
  write(root, 'docs/new.txt', 'a long text');
  write(root, 'docs/new.txt', 'A');
  assert.equal(read(root, 'docs/new.txt'), 'A long text');
  write(root, 'docs/new.txt', 'short', { truncate: true });
  assert.equal(read(root, 'docs/new.txt'), 'short');
  writeFileSync(join(root, 'ordinary'), '');
  assert.equal(statSync(join(root, 'docs/new.txt')).mode, statSync(join(root, 'ordinary')).mode);
  const descriptor = openBeneath(root, 'notes.txt', { write: undefined });
  assert.throws(() => writeSync(descriptor, 'x'), { code: 'EBADF' });
  closeSync(descriptor);
  assert.throws(() => fstatSync(descriptor), { code: 'EBADF' });
});

test('what is no root, path or option', unix, (t) => {
  const { root } = world(t);
  for (const given of ['root', '', undefined, 7, Buffer.from(root), new URL(`file://${root}`), '/\ud800']) refused('config-invalid', () => openBeneath(given, 'notes.txt'));
  for (const given of [undefined, null, 7, Buffer.from('notes.txt'), ['notes.txt'], 'notes\ud800.txt']) refused('argument-refused', () => openBeneath(root, given));
  for (const given of [null, [], 'r', { write: 1 }, { truncate: true }, { refuseHardLinks: 'yes' }, { flags: 'r' }]) refused('config-invalid', () => openBeneath(root, 'notes.txt', given));
});

test('PTH-01 to PTH-03: names that are no paths below the root', unix, (t) => {
  const { root, unharmed } = world(t);
  const names = ['', '/', '/etc/passwd', '../outside/secret.txt', 'docs/../notes.txt', './notes.txt', 'docs//plan.txt', 'docs/', 'notes.txt\0'];
  names.push('docs\\plan.txt', '%2e%2e/outside/secret.txt', 'docs\uff0fplan.txt', '\u2024\u2024/outside/secret.txt', 'C:/notes.txt', 'notes.txt::$DATA');
  names.push('notes.txt.', 'notes.txt ', `${root}-two/x`, `${root}//x`, `${root}/../outside/secret.txt`);
  for (const name of names) allRefused('argument-refused', 'no path at or below the root', root, name);
  for (const name of ['~/notes.txt', '$HOME']) refused('file-unavailable', () => openBeneath(root, name));
  unharmed();
});

test('PTH-04: a symbolic link that leads out', unix, (t) => {
  const { root, secret, unharmed } = world(t);
  for (const [target, name] of [['../outside/secret.txt', 'file'], ['../outside', 'folder'], ['../../outside', 'docs/parent'], [secret, 'absolute']]) symlinkSync(target, join(root, name));
  for (const name of ['file', 'folder/secret.txt', 'docs/parent/secret.txt', 'absolute']) {
    assert.equal(readFileSync(join(root, name), 'utf8'), 'secret');
    allRefused('argument-refused', 'a link that leads out', root, name);
    allRefused('argument-refused', 'a link that leads out', root, join(root, name));
  }
  assert.equal(read(root, 'docs/plan.txt'), 'plan');
  unharmed();
});

test('PTH-04: a symbolic link that stays inside', unix, (t) => {
  const { root } = world(t);
  symlinkSync('docs/plan.txt', join(root, 'file'));
  symlinkSync('docs', join(root, 'folder'));
  for (const name of ['file', 'folder/plan.txt']) {
    if (process.platform === 'linux') assert.equal(read(root, name), 'plan');
    else refused('argument-refused', () => read(root, name));
  }
});

test('PTH-04: a missing leaf below a link', unix, (t) => {
  const { root, unharmed } = world(t);
  symlinkSync('../outside', join(root, 'folder'));
  symlinkSync('../outside/new.txt', join(root, 'dangling'));
  for (const name of ['folder/new.txt', 'folder/new/new.txt', 'dangling']) allRefused('argument-refused', 'a link that leads out', root, name);
  unharmed();
  assert.equal(refused('file-unavailable', () => openBeneath(root, 'docs/new.txt')).context, 'entity not found: `docs/new.txt`');
  write(root, 'docs/new.txt', 'new');
  assert.equal(read(root, 'docs/new.txt'), 'new');
});

test('PTH-04: a hard link', unix, (t) => {
  const { root, secret, unharmed } = world(t);
  linkSync(secret, join(root, 'twin'));
  assert.equal(read(root, 'twin'), 'secret', 'a hard link is the file');
  for (const options of WAYS) {
    refused('argument-refused', () => openBeneath(root, 'twin', { ...options, refuseHardLinks: true }));
    closeSync(openBeneath(root, 'docs/plan.txt', { ...options, refuseHardLinks: true }));
  }
  unharmed();
});

test('PTH-04: the root of /proc', linux, (t) => {
  const { root, secret, unharmed } = world(t);
  symlinkSync('/proc/self/root', join(root, 'slash'));
  assert.equal(readFileSync(join(root, `slash${secret}`), 'utf8'), 'secret');
  allRefused('argument-refused', 'a link that leads out', root, `slash${secret}`);
  allRefused('argument-refused', 'a link that leads out', '/proc', `/proc/self/root${secret}`);
  assert.equal(read('/proc', '/proc/sys/kernel/ostype'), 'Linux\n');
  unharmed();
});

test('PTH-06: a root joined with an absolute path', unix, (t) => {
  const { root, secret, unharmed } = world(t);
  allRefused('argument-refused', 'no path at or below the root', root, secret);
  refused('file-unavailable', () => openBeneath(root, secret.slice(1)));
  assert.equal(read(root, join(root, 'notes.txt')), 'notes');
  unharmed();
});

test('only regular files are opened, and none is waited for', unix, async (t) => {
  const { root } = world(t);
  assert.equal(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
  // In a process of its own, which can be ended if it hangs.
  const script = `try { require('deputize').openBeneath(${JSON.stringify(root)}, 'pipe'); } catch (error) { console.log(error.code); }`;
  assert.equal(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 30_000, cwd: here }).stdout, 'file-unavailable\n');
  const server = createServer().listen(join(root, 'socket'));
  await once(server, 'listening');
  for (const name of ['pipe', 'docs', root, 'socket']) allRefused('file-unavailable', 'not a regular file', root, name);
  allRefused('file-unavailable', 'not a regular file', '/dev', '/dev/null');
  server.close();
  assert.equal(read(root, 'notes.txt'), 'notes');
});

const SWAP = `
const { renameSync } = require('node:fs');
const { workerData: { root, done } } = require('node:worker_threads');
while (Atomics.load(done, 0) === 0) {
  for (const [from, to] of [['folder', 'aside'], ['link', 'folder'], ['folder', 'link'], ['aside', 'folder']]) renameSync(root + '/' + from, root + '/' + to);
}`;

test('a folder that becomes a link meanwhile never leads out', unix, async (t) => {
  const { root, unharmed } = world(t);
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'folder/secret.txt'), 'inside');
  symlinkSync('../outside', join(root, 'link'));
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SWAP, { eval: true, workerData: { root, done } });
  await once(worker, 'online');
  const seen = { inside: 0, secret: 0, 'argument-refused': 0, 'file-unavailable': 0 };
  const end = Date.now() + 60_000;
  let [naive, opens] = [0, 0];
  while ((opens < 2000 || naive === 0 || seen.inside === 0 || seen['argument-refused'] === 0) && Date.now() < end) {
    opens += 1;
    try {
      seen[read(root, 'folder/secret.txt')] += 1;
    } catch (error) {
      seen[error.code] += 1;
    }
    try {
      if (readFileSync(join(root, 'folder/secret.txt'), 'utf8') === 'secret') naive += 1;
    } catch {
      // It was there neither as the one nor as the other.
    }
  }
  Atomics.store(done, 0, 1);
  await once(worker, 'exit');
  assert.equal(seen.secret, 0);
  assert.ok(opens >= 2000 && naive > 0 && seen.inside > 0 && seen['argument-refused'] > 0, `the race was not met: ${naive} ${JSON.stringify(seen)}`);
  assert.equal(seen.inside + seen['argument-refused'] + seen['file-unavailable'], opens);
  unharmed();
});

test('an allowed name that is a link is not opened', unix, (t) => {
  const { root, secret, unharmed } = world(t);
  symlinkSync(secret, join(root, 'link.txt'));
  const { ana, coder, chain } = chainFor('read', { path: path(root) });
  const verifier = verifierFor(ana);
  const call = (name) => read(root, verifier.authorize(coder.prove(chain, 'read', { path: name }, AUDIENCE), 'read', { path: name }).arguments.path);
  assert.equal(call(join(root, 'notes.txt')), 'notes');
  refused('argument-refused', () => call(join(root, 'link.txt')));
  denied('argument-refused', () => call(secret));
  assert.ok(existsSync(secret));
  unharmed();
});
