// The store in Redis, against a server of the tests' own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { RedisStore } from 'deputize/redis';
import { AUDIENCE, chainFor, denied, refused, rejected, verifierFor } from '../support/helpers.mjs';
import { Server, freePort, skip } from '../support/redis-server.mjs';

const { ana, coder } = chainFor();
// A token of its own each time: what was issued before the memory of a store is refused.
const proof = () => coder.prove(ana.issue({ to: coder, tools: { deploy: {} } }), 'deploy', {}, AUDIENCE);
const call = (verifier, presentation = proof()) => verifier.authorizeAsync(presentation, 'deploy', {});

const T = 1764000000;
const key = (letter, n, size = 48) => new Uint8Array(1 + size).fill(n).fill(letter.charCodeAt(0), 0, 1);
const claim = (n, since = T) => ['claim', key('p', n), T + 60, since * 1000];
const spend = (n, amount, limit) => ['spend', key('b', n, 33), amount, limit, T + 60, T * 1000];
const absent = (n, since = T) => ['absent', key('d', n, 64), since * 1000];
const commit = (store, ...operations) => store.commit(operations, T * 1000);

test('a commit is all or nothing and judged in order', { skip }, async (t) => {
  const server = await Server.start(t);
  const store = new RedisStore({ url: server.url });
  for (const [operations, answer] of [
    [[], true],
    [[absent(1), claim(1), spend(1, 11, 10)], ['refused', 2]],
    [[absent(1), claim(1), spend(1, 10, 10), ['mark', key('d', 2, 64), T + 60]], true],
    [[spend(1, 1, 10), claim(1)], ['refused', 0]],
    [[claim(2), absent(2), claim(1)], ['refused', 1]],
    [[claim(2), ['refund', key('b', 1, 33), 4]], true],
    [[spend(1, 4, 10)], true],
    [[claim(3, T - 1)], ['predates', 0]],
    [[absent(3, T - 1)], ['predates', 0]],
    [[spend(2, 2 ** 53, 2 ** 53)], true],
    [[spend(2, 1, 2 ** 53)], ['refused', 0]],
  ]) assert.deepEqual(await commit(store, ...operations), answer);
});

test('verifiers share it, also behind a client of the program\'s own', { skip }, async (t) => {
  const server = await Server.start(t);
  const client = await createClient({ url: server.url, socket: { reconnectStrategy: false } }).on('error', () => {}).connect();
  const verifiers = [new RedisStore({ url: server.url }), new RedisStore({ url: server.url }, { timeout: 30 }), new RedisStore(client)].map((store) => verifierFor(ana, { store }));
  for (const first of verifiers) {
    const presentation = proof();
    assert.equal((await call(first, presentation)).caller, 'coder');
    for (const verifier of verifiers) await rejected('proof-replayed', call(verifier, presentation));
  }
  assert.ok(await call(verifierFor(ana, { store: new RedisStore(client, { prefix: 'other' }) })));
  denied('store-unavailable', () => verifiers[0].authorize(proof(), 'deploy', {}));
});

test('of 64 tasks with one proof exactly one is allowed', { skip }, async (t) => {
  const server = await Server.start(t);
  const verifier = verifierFor(ana, { store: new RedisStore({ url: server.url }) });
  const one = proof();
  const results = await Promise.allSettled(Array.from({ length: 64 }, () => call(verifier, one)));
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  assert.equal(results.filter((result) => result.reason?.code === 'proof-replayed').length, 63);
});

test('after a crash without persistence what was issued before predates the store', { skip }, async (t) => {
  const server = await Server.start(t);
  const verifier = verifierFor(ana, { store: new RedisStore({ url: server.url }) });
  const used = proof();
  await call(verifier, used);
  await server.crash();
  await rejected('store-unavailable', call(verifier, used));
  await pause(1000 - (Date.now() % 1000));
  await server.start();
  await rejected('token-predates-store', call(verifier, used));
  assert.ok(await call(verifier));
});

test('a server that loses nothing refuses old proofs as replayed', { skip }, async (t) => {
  const server = await Server.start(t, '--appendonly', 'yes', '--appendfsync', 'always');
  const verifier = verifierFor(ana, { store: new RedisStore({ url: server.url }, { durable: true }) });
  const used = proof();
  await call(verifier, used);
  await server.crash();
  await server.start();
  await rejected('proof-replayed', call(verifier, used));
  assert.ok(await call(verifier));
});

const CRASH = `
  const { TrustAnchor, Verifier, VerifyingKey } = require('deputize');
  const { RedisStore } = require('deputize/redis');
  const [url, did, audience, presentation] = process.argv.slice(1);
  const verifier = new Verifier({ trust: new TrustAnchor('ana', VerifyingKey.fromDidKey(did)), audience, store: new RedisStore({ url }) });
  verifier.authorizeAsync(presentation, 'deploy', {}).then(() => process.kill(process.pid, 'SIGKILL'));
`;

test('a process that dies between decision and action leaves the proof used', { skip }, async (t) => {
  const server = await Server.start(t);
  const verifier = verifierFor(ana, { store: new RedisStore({ url: server.url }) });
  await call(verifier);
  const one = proof();
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const died = spawnSync(process.execPath, ['-e', CRASH, server.url, ana.did, AUDIENCE, one.text], { cwd });
  assert.equal(died.signal, 'SIGKILL', String(died.stderr));
  await rejected('proof-replayed', call(verifier, one));
});

test('a store keeps no process that has nothing else to do', { skip }, async (t) => {
  const server = await Server.start(t);
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const code = `const { RedisStore } = require('deputize/redis'); new RedisStore({ url: process.argv[1] }).commit([], ${T}000).then(console.log)`;
  const done = spawnSync(process.execPath, ['-e', code, server.url], { cwd, timeout: 20000 });
  assert.deepEqual([done.status, String(done.stdout).trim()], [0, 'true']);
});

test('without memory for it nothing is committed', { skip }, async (t) => {
  const server = await Server.start(t);
  const store = new RedisStore({ url: server.url });
  assert.equal(await commit(store, claim(1)), true);
  await server.run('CONFIG', 'SET', 'maxmemory', '1');
  assert.equal(await commit(store, spend(1, 1, 1), claim(2)), 'full');
  assert.deepEqual(await commit(store, claim(1)), ['refused', 0]);
  await server.run('CONFIG', 'SET', 'maxmemory', '0');
  assert.equal(await commit(store, spend(1, 1, 1), claim(2)), true);
});

test('a server that evicts keys, takes no writes or has something else at a key denies', { skip }, async (t) => {
  const server = await Server.start(t, '--maxmemory-policy', 'allkeys-lru');
  const store = new RedisStore({ url: server.url });
  const verifier = verifierFor(ana, { store });
  await rejected('store-unavailable', call(verifier));
  await server.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await store.begin(Date.now());
  assert.ok(await call(verifier));
  await server.run('RPUSH', `{deputize}:b:${'01'.repeat(33)}`, 'x');
  await assert.rejects(store.commit([claim(1, T * 2), spend(1, 1, 1)], Date.now()), /WRONGTYPE/);
  await server.run('REPLICAOF', '127.0.0.1', '1');
  await rejected('store-unavailable', call(verifier));
  await server.run('REPLICAOF', 'NO', 'ONE');
  await server.run('DEL', '{deputize}:began');
  await server.run('RPUSH', '{deputize}:began', 'x');
  await rejected('store-unavailable', call(verifier));
});

/** A server that answers each connection with these bytes, and closes it after some milliseconds. */
async function answering(t, bytes, patience) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', async () => {
      socket.write(bytes);
      await pause(patience, undefined, { ref: false });
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return `redis://127.0.0.1:${server.address().port}`;
}

test('a server that is silent or answers nonsense denies in time', async (t) => {
  for (const [bytes, patience] of [
    ['', 5000], ['', 0], ['+OK\r\n+OK\r\n$9\r\ncommi', 5000], ['+OK\r\n+OK\r\n$9\r\ncommi', 0], ['HTTP/1.1 400 Bad Request\r\n\r\n', 0], ['+OK\r\n'.repeat(9), 5000],
    ['+OK\r\n+OK\r\n:1\r\n:1\r\n', 5000], ['+OK\r\n+OK\r\n$-1\r\n$-1\r\n', 5000], ['+OK\r\n+OK\r\n*1\r\n$9\r\ncommitted\r\n', 5000], ['+OK\r\n+OK\r\n$10\r\nrefused -1\r\n', 5000],
    ['+OK\r\n+OK\r\n-ERR no\r\n', 5000], [Buffer.from([0xff, 0xfe, 0, 1, 13, 10]), 5000],
  ]) {
    const verifier = verifierFor(ana, { store: new RedisStore({ url: await answering(t, bytes, patience) }, { timeout: 0.3 }) });
    const begin = Date.now();
    await rejected('store-unavailable', call(verifier));
    assert.ok(Date.now() - begin < 1500, `${bytes}: ${Date.now() - begin}`);
  }
});

test('a server that is not there denies, and a client that is not connected', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const begin = Date.now();
  await rejected('store-unavailable', call(verifierFor(ana, { store: new RedisStore({ url }) })));
  await rejected('store-unavailable', call(verifierFor(ana, { store: new RedisStore(createClient({ url }), { timeout: 0.3 }) })));
  for (const answer of [undefined, null, 'OK', 'refused', 'refused 01', 'refused -1', 'committed ', ['committed'], 1, true, { toString: () => 'committed' }, Buffer.from('commit')]) {
    const client = { evalSha: async () => answer, eval: async () => answer };
    await rejected('store-unavailable', call(verifierFor(ana, { store: new RedisStore(client) })));
  }
  const hanging = { evalSha: () => new Promise(() => {}), eval: () => new Promise(() => {}) };
  await rejected('store-unavailable', call(verifierFor(ana, { store: new RedisStore(hanging, { timeout: 0.3 }) })));
  assert.ok(Date.now() - begin < 4000);
});

test('what cannot be a store is refused', () => {
  const url = 'redis://127.0.0.1';
  for (const given of [undefined, null, 5, url, {}, { url: 5 }, { uri: url }, { url, prefix: 'a' }, { evalsha() {}, eval() {} }, { url: 'http://user:secret@host' }, { url: 'nothing' }]) {
    assert.ok(!refused('config-invalid', () => new RedisStore(given)).message.includes('secret'));
  }
  for (const options of [{ prefix: '' }, { prefix: '{a}' }, { prefix: 'ä' }, { prefix: 5 }, { prefix: 'x'.repeat(65) }, { timeout: 0 }, { timeout: -1 }, { timeout: 61 }, { timeout: NaN }, { timeout: '2' },
    { durable: 1 }, { ttl: 5 }]) refused('config-invalid', () => new RedisStore({ url }, options));
});
