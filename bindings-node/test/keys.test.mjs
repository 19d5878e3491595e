// Keys: their forms, with node:crypto and OpenSSL; and that a secret stays where it is (KEY-12, KEY-13).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import util from 'node:util';
import v8 from 'node:v8';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Agent, SigningKey, VerifyingKey } from 'deputize';
import { folder, hex, refused } from '../support/helpers.mjs';

test('every form of a key is read back as the same key', () => {
  const key = SigningKey.generate();
  const { verifyingKey } = key;
  for (const again of [SigningKey.fromSeed(key.toSeed()), SigningKey.fromPem(key.toPem()), SigningKey.fromJwk(key.toJwk()), SigningKey.fromJwk(JSON.parse(key.toJwk()))]) assert.equal(hex(again.toSeed()), hex(key.toSeed()));
  for (const again of [VerifyingKey.fromBytes(verifyingKey.bytes), VerifyingKey.fromPem(verifyingKey.toPem()), VerifyingKey.fromJwk(verifyingKey.toJwk()), VerifyingKey.fromDidKey(verifyingKey.didKey)]) assert.equal(hex(again.bytes), hex(verifyingKey.bytes));
  assert.equal(SigningKey.fromSeed(new Uint8Array(32).fill(1)).verifyingKey.didKey, 'did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX');
});

test('node:crypto and this library read and verify each other', () => {
  const key = SigningKey.generate();
  const message = Buffer.from('hello');
  const theirs = createPrivateKey(key.toPem());
  const signature = sign(null, message, theirs);
  assert.equal(key.verifyingKey.verify(message, signature), true);
  assert.equal(key.verifyingKey.verify(Buffer.from('other'), signature), false);
  assert.equal(key.verifyingKey.verify(message, signature.subarray(1)), false);
  assert.equal(verify(null, message, createPublicKey(key.verifyingKey.toPem()), signature), true);
  assert.equal(createPublicKey({ key: JSON.parse(key.verifyingKey.toJwk()), format: 'jwk' }).export({ format: 'jwk' }).x, JSON.parse(key.verifyingKey.toJwk()).x);
  assert.equal(key.verifyingKey.thumbprint, createHash('sha256').update(key.verifyingKey.toJwk()).digest('base64url'));
  const pair = generateKeyPairSync('ed25519');
  assert.equal(SigningKey.fromPem(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })).verifyingKey.toPem(), pair.publicKey.export({ format: 'pem', type: 'spki' }));
});

test('OpenSSL reads these keys, and writes the same PEM', (t) => {
  const file = join(folder(t), 'key.pem');
  const key = SigningKey.generate();
  key.save(file);
  const pem = spawnSync('openssl', ['pkey', '-in', file], { encoding: 'utf8' });
  assert.equal(pem.status, 0, pem.stderr);
  assert.equal(pem.stdout, key.toPem());
  assert.equal(spawnSync('openssl', ['pkey', '-in', file, '-pubout'], { encoding: 'utf8' }).stdout, key.verifyingKey.toPem());
  const made = spawnSync('openssl', ['genpkey', '-algorithm', 'ed25519'], { encoding: 'utf8' }).stdout;
  assert.equal(SigningKey.fromPem(made).toPem(), made);
});

test('key files belong to their owner, and are never overwritten', (t) => {
  const at = folder(t);
  const file = join(at, 'a.pem');
  const key = SigningKey.generate();
  key.save(file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(hex(SigningKey.load(file).toSeed()), hex(key.toSeed()));
  refused('key-file-exists', () => SigningKey.generate().save(file));
  chmodSync(file, 0o644);
  refused('key-file-insecure', () => SigningKey.load(file));
  refused('key-file-invalid', () => SigningKey.load(join(at, 'none.pem')));
  writeFileSync(join(at, 'b.pem'), 'nonsense', { mode: 0o600 });
  refused('key-file-invalid', () => SigningKey.load(join(at, 'b.pem')));
  for (const path of [undefined, 5, 'a\ud800', new URL('file:///x')]) refused('key-file-invalid', () => SigningKey.load(path));
});

test('an agent has its key in a file of its name', (t) => {
  const keys = join(folder(t), 'keys');
  const agent = Agent.loadOrCreate('coder', keys);
  assert.ok(existsSync(join(keys, 'coder.pem')));
  assert.equal(statSync(keys).mode & 0o777, 0o700);
  assert.equal(Agent.loadOrCreate('coder', keys).did, agent.did);
  assert.deepEqual([Agent.load(join(keys, 'coder.pem')).name, Agent.load(join(keys, 'coder.pem'), 'other').name], ['coder', 'other']);
  assert.equal(readFileSync(join(keys, 'coder.pem'), 'utf8'), SigningKey.load(join(keys, 'coder.pem')).toPem());
  for (const name of ['', '..', '.x', 'a/b', '../x', 'a\\b', 'a\0', 'a\n', 5, undefined]) refused('name-invalid', () => Agent.loadOrCreate(name, keys));
});

test('what is no key is refused', () => {
  for (const run of [
    () => SigningKey.fromSeed(new Uint8Array(31)), () => SigningKey.fromSeed('x'.repeat(32)), () => SigningKey.fromSeed(undefined), () => SigningKey.fromPem('x'), () => SigningKey.fromPem(5), () => SigningKey.fromJwk('{}'), () => SigningKey.fromJwk(null),
    () => SigningKey.fromSeed(new Uint8Array(32)), () => VerifyingKey.fromBytes(new Uint8Array(32)), () => VerifyingKey.fromBytes(new Uint8Array(33)), () => VerifyingKey.fromDidKey('did:key:z6'), () => VerifyingKey.fromPem(''), () => VerifyingKey.fromJwk(5),
    () => new Agent('a', {}), () => new Agent('a', Agent.generate('b')),
  ]) refused('key-invalid', run);
  for (const run of [() => new SigningKey(), () => new VerifyingKey(new Uint8Array(32))]) refused('config-invalid', run);
  assert.ok(SigningKey.generate() instanceof SigningKey && Agent.generate('x').key instanceof VerifyingKey);
});

test('nothing shows a secret', () => {
  const key = SigningKey.generate();
  const agent = new Agent('coder', key);
  const seed = Buffer.from(key.toSeed());
  const shown = [key, agent, { key, agent, list: [key] }].flatMap((value) => [
    util.inspect(value, { showHidden: true, depth: 9, getters: true, customInspect: true }), util.inspect(value, { showHidden: true, depth: 9, getters: true, customInspect: false }), JSON.stringify(value), String(value), util.format('%s %o %O %j', value, value, value, value),
    JSON.stringify(Object.getOwnPropertyDescriptors(value)), JSON.stringify(Reflect.ownKeys(value).map(String)), JSON.stringify({ ...value }),
  ]);
  for (const [code, run] of [['name-invalid', () => new Agent('x\n', key)], ['key-file-unwritable', () => key.save('/dev/null/x')], ['key-invalid', () => SigningKey.fromJwk({ ...JSON.parse(key.toJwk()), x: 'A'.repeat(43) })]]) {
    const error = refused(code, run);
    shown.push(util.inspect(error, { showHidden: true }), error.message, error.stack);
  }
  const text = shown.join('\n');
  for (let at = 0; at + 8 <= 32; at++) {
    const window = seed.subarray(at, at + 8);
    for (const form of [window.toString('hex'), window.toString('hex').toUpperCase(), window.toString('base64').replace(/=+$/, '').slice(0, 10), window.toString('base64url').slice(0, 10), [...window].join(','), [...window].join(', ')]) assert.ok(!text.includes(form), `byte ${at}: ${form}`);
  }
  assert.match(util.inspect(key), /^\[SigningKey did:key:z/);
});

test('nothing copies a secret', async () => {
  const key = SigningKey.generate();
  const { port1, port2 } = new MessageChannel();
  for (const run of [() => structuredClone(key), () => structuredClone({ key }), () => v8.serialize(key), () => port1.postMessage(key), () => new Worker('', { eval: true, workerData: key })]) assert.throws(run, /could not be cloned/);
  port1.close();
  port2.close();
  const agent = new Agent('coder', key);
  assert.deepEqual(Reflect.ownKeys(structuredClone(agent)), []);
  for (const copy of [{ ...key }, Object.create(key), Object.assign(Object.create(SigningKey.prototype), key), Object.setPrototypeOf({}, SigningKey.prototype)]) {
    assert.throws(() => copy.toSeed(), TypeError);
    refused('key-invalid', () => new Agent('x', copy));
  }
  assert.throws(() => { key.toJSON = () => 1; }, TypeError);
});
