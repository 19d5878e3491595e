// Values across the boundary: FFI-01, 02, 04, 05, 07, 08, 09, 14; POP-03, POP-20.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { argumentsDigest, decodeValue, encodeValue, valueFromJson, valueToJson } from 'deputize';
import { AUDIENCE, cast, chainFor, denied, hex, refused, verifierFor } from '../support/helpers.mjs';

const digest = (args) => hex(argumentsDigest(args));

test('integers keep their value or are refused', () => {
  for (const [value, encoding] of [
    [0, '00'], [0n, '00'], [-1000n, '3903e7'], [1, '01'], [2n ** 63n - 1n, '1b7fffffffffffffff'], [-(2n ** 63n), '3b7fffffffffffffff'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'], [Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'], [4294967296, '1b0000000100000000'], [-4294967297, '3b0000000100000000'],
  ]) {
    assert.equal(hex(encodeValue(value)), encoding, String(value));
    assert.equal(BigInt(decodeValue(encodeValue(value))), BigInt(value));
  }
  assert.equal(typeof decodeValue(encodeValue(7n)), 'number');
  assert.equal(typeof decodeValue(encodeValue(2n ** 53n)), 'bigint');
  for (const value of [2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n, 10n ** 5000n, 1e21, 2 ** 53, -(2 ** 53)]) refused('value-unsupported', () => encodeValue(value));
});

test('floats have a fractional part', () => {
  for (const value of [1.5, -0.1, 5e-324, 2 ** 52 - 0.5]) assert.equal(decodeValue(encodeValue(value)), value);
  for (const value of [NaN, Infinity, -Infinity, -0, 1e308, 1e300]) refused('value-unsupported', () => encodeValue(value));
});

test('null, absent, booleans, numbers, text and bytes are all distinct', () => {
  const all = [{}, { x: null }, { x: false }, { x: true }, { x: 1 }, { x: 0 }, { x: '1' }, { x: '' }, { x: 'a' }, { x: Buffer.from('a') }, { x: [] }, { x: {} }, { x: ['a'] }, { x: 1.5 }, { 'x.y': 1 }, { x: { y: 1 } }];
  assert.equal(new Set(all.map(digest)).size, all.length);
  refused('value-unsupported', () => digest({ x: undefined }));
  assert.equal(digest({ x: 1, yy: 2 }), digest({ yy: 2n, x: 1n }));
});

test('every kind of bytes is the same bytes, copied once', () => {
  const plain = new Uint8Array([1, 2, 3]);
  const offset = new Uint8Array(new Uint8Array([9, 1, 2, 3, 9]).buffer, 1, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set(plain);
  const resizable = new Uint8Array(new ArrayBuffer(3, { maxByteLength: 8 }));
  resizable.set(plain);
  const lying = new Uint8Array(plain);
  Object.defineProperty(lying, 'length', { value: 1 << 20 });
  for (const bytes of [Buffer.from(plain), offset, shared, resizable, lying]) assert.equal(digest({ x: bytes }), digest({ x: plain }));
  const detached = new Uint8Array([1]);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const outOfBounds = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }), 4, 4);
  outOfBounds.buffer.resize(2);
  for (const bytes of [detached, outOfBounds, new Uint16Array(2), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1), new Uint8ClampedArray(1)]) refused('value-unsupported', () => encodeValue(bytes));
});

test('a buffer that a getter would shrink is refused before anything runs', () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  let ran = false;
  const args = { a: new Uint8Array(buffer), get b() { ran = true; buffer.resize(0); return 1; } };
  refused('value-unsupported', () => digest(args));
  assert.equal(ran, false);
});

test('what has no place in a value is refused and not run', () => {
  class Point { constructor() { this.x = 1; } }
  const getter = { get x() { throw new Error('read'); } };
  const proxies = [new Proxy({}, { ownKeys() { throw new Error('trapped'); } }), new Proxy([], {}), new Proxy(new Uint8Array(1), {})];
  const hole = [1, , 3];
  const named = Object.assign([1], { extra: 2 });
  class Row extends Array {}
  const withToJSON = { x: 1, toJSON: () => 2 };
  for (const value of [
    undefined, () => 1, Symbol('x'), Symbol.iterator, new Date(0), new Map(), new Set(), new Point(), getter, hole, named, new Row(1), withToJSON, ...proxies, new Proxy(class {}, {}),
    new Error('x'), /x/, Promise.resolve(1), new Number(1), new String('x'), new Boolean(true), new WeakMap(), (function () { return arguments; })(1), Object.create({ x: 1 }),
    Object.setPrototypeOf(new Date(0), Object.prototype), Object.setPrototypeOf([1], null),
  ]) {
    refused('value-unsupported', () => encodeValue(value));
    refused('value-unsupported', () => digest({ deep: [{ value }] }));
  }
  for (const args of [undefined, null, 1, 'x', [], new Uint8Array(1), new Map(), () => 1]) refused('value-unsupported', () => argumentsDigest(args));
});

test('toJSON of a prototype is ignored', (t) => {
  Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'changed', configurable: true });
  t.after(() => delete Object.prototype.toJSON);
  assert.deepEqual({ ...decodeValue(encodeValue({ x: 1 })) }, { x: 1 });
});

test('only own enumerable text keys count', () => {
  const value = Object.defineProperty({ x: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3, enumerable: false });
  assert.equal(digest(value), digest({ x: 1 }));
  assert.equal(digest(Object.assign(Object.create(null), { x: 1 })), digest({ x: 1 }));
  assert.equal(digest(vm.runInNewContext('({ x: [1, { y: "z" }] })')), digest({ x: [1, { y: 'z' }] }));
});

test('names that objects have are plain data', () => {
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then']) {
    const value = JSON.parse(`{"${name}":{"isAdmin":true}}`);
    const back = decodeValue(encodeValue(value));
    assert.deepEqual(Object.keys(back), [name]);
    assert.equal(back[name].isAdmin, true);
    assert.equal(Object.getPrototypeOf(back), null);
    assert.equal({}.isAdmin, undefined);
  }
  const { ana, coder, chain } = chainFor('__proto__', {});
  const args = JSON.parse('{"__proto__":"x","constructor":1}');
  const allowed = verifierFor(ana).authorize(coder.prove(chain, '__proto__', args, AUDIENCE), '__proto__', args);
  assert.deepEqual(Object.keys(allowed.arguments).sort(), ['__proto__', 'constructor']);
  denied('tool-not-allowed', () => verifierFor(ana).authorize(coder.prove(chain, 'constructor', {}, AUDIENCE), 'constructor', {}));
});

test('depth, cycles and size have limits', () => {
  const nest = (depth) => { let value = []; while (--depth > 0) value = [value]; return value; };
  encodeValue(nest(16));
  refused('too-deep', () => encodeValue(nest(17)));
  refused('too-deep', () => encodeValue(nest(100000)));
  const cyclic = { list: [] };
  cyclic.list.push(cyclic);
  refused('too-deep', () => encodeValue(cyclic));
  encodeValue(new Array(65536).fill(0));
  refused('too-many', () => encodeValue(new Array(65537).fill(0)));
  refused('too-many', () => encodeValue(new Array(2 ** 32 - 1)));
  encodeValue('x'.repeat(1024 * 1024 - 5));
  for (const value of ['x'.repeat(1024 * 1024), new Uint8Array(1024 * 1024), 'é'.repeat(600000), ['x'.repeat(600000), 'y'.repeat(600000)]]) refused('too-large', () => encodeValue(value));
});

test('text is well-formed and otherwise as it is', () => {
  for (const value of ['', 'é', 'e\u0301', '\u{1f600}', '\0', '\ufeff', 'ﬁ']) assert.equal(decodeValue(encodeValue(value)), value);
  assert.notEqual(digest({ x: 'é' }), digest({ x: 'e\u0301' }));
  for (const value of ['\ud800', 'a\udc00b', { 'k\ud800': 1 }]) refused('value-unsupported', () => encodeValue(value));
  const { coder, chain } = chainFor();
  refused('name-invalid', () => coder.prove(chain, 'deploy\ud800', {}, AUDIENCE));
});

test('what comes back is frozen, and later changes change nothing', () => {
  const { ana, coder, chain } = chainFor();
  const verifier = verifierFor(ana);
  const args = { list: [1, { b: 2 }], bytes: new Uint8Array([1]) };
  const presentation = coder.prove(chain, 'deploy', args, AUDIENCE);
  const allowed = verifier.authorize(presentation, 'deploy', args);
  args.list[1].b = 3;
  args.bytes[0] = 9;
  assert.deepEqual({ ...allowed.arguments.list[1] }, { b: 2 });
  assert.throws(() => { allowed.arguments.list.push(1); }, TypeError);
  assert.throws(() => { allowed.arguments.x = 1; }, TypeError);
  assert.deepEqual([...allowed.arguments.bytes], [1]);
  allowed.arguments.bytes[0] = 7;
  assert.deepEqual([...allowed.arguments.bytes], [1]);
  assert.equal(JSON.parse(allowed.record.json({ arguments: true })).arguments.bytes.$bytes, 'AQ');
});

test('a message about a megabyte of somebody else is short and escaped', () => {
  const name = `a\n\u202e${'x'.repeat(1 << 20)}`;
  const { ana, coder, chain } = chainFor();
  for (const run of [
    () => coder.prove(chain, name, {}, AUDIENCE),
    () => coder.prove(chain, 'deploy', { [name.slice(0, 1000)]: 1 }, AUDIENCE),
    () => verifierFor(ana).authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), name, {}),
  ]) {
    const refusal = refused('name-invalid', run);
    assert.ok(!/[\n\u202e]/.test(refusal.message), refusal.message);
    if (refusal.record) assert.ok(refusal.record.json().length < 2000 && !refusal.record.sentence.includes('\n'));
  }
  cast();
});

test('values become JSON and come back', () => {
  for (const [value, json] of [[{ b: [1, null], a: 'x' }, '{"a":"x","b":[1,null]}'], [2n ** 60n, '{"$integer":"1152921504606846976"}'], [new Uint8Array([1]), '{"$bytes":"AQ"}'], [{ $x: 1 }, '{"$$x":1}']]) {
    assert.equal(valueToJson(value), json);
    assert.deepEqual(encodeValue(valueFromJson(json)), encodeValue(value));
  }
  refused('value-unsupported', () => valueFromJson('1.0'));
  refused('malformed', () => valueFromJson('{"a":1,"a":2}'));
  for (const bytes of ['18', 'f7', 'fb7ff8000000000000', '1800', 'bfff', '0000', 'c000']) assert.throws(() => decodeValue(Buffer.from(bytes, 'hex')), { name: 'DeputizeError' });
});
