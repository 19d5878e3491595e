// What programs should never pass to constraints and tools: a typed error, nothing of it run, and the process lives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Constraint, DeputizeError, allOf, anyOf, atLeast, atMost, between, cidr, contains, decodeTools, each, email, encodeTools, exact, fields, glob, inRange, isPublicAddress, length, notGlob, notOneOf, oneOf,
  optional, path, regex, subset, timeWindow, toolsSubsume, url,
} from 'deputize';
import { AUDIENCE, cast, chainFor, hex, known, refused, verifierFor } from '../support/helpers.mjs';

test('what stands for no constraint says what to write', () => {
  const { ana, planner } = cast();
  for (const [natural, advised] of [
    [new Date(), /timeWindow\(from, until\)/], [/x/, /regex\(/], [new Map(), /a plain object/], [glob, /call it/], [[path('/a'), path('/b')], /anyOf.* at `tool\.x\[0\]`/], [new Set([path('/a')]), /anyOf/], [[new Set([1])], /an array/], [[optional(1)], /optional/], [undefined, /undefined at `tool\.x`/], [new (class {})(), /not plain at `tool\.x`/],
    [new URL('https://a.example'), /not plain/], [[1, , 2], /holes/], [new Proxy({}, {}), /a Proxy at `tool\.x`/], [Symbol('x'), /symbol/], [2 ** 53, /9007199254740992/], [NaN, /NaN/], ['\ud800', /lone surrogate/],
  ]) {
    assert.match(refused('value-unsupported', () => ana.issue({ to: planner, tools: { tool: { x: natural } } })).message, advised);
    refused('value-unsupported', () => ana.issue({ to: planner, tools: { tool: { y: { x: natural } } } }));
    refused('value-unsupported', () => optional(natural));
    refused('value-unsupported', () => each(natural));
    refused('value-unsupported', () => fields({ x: natural }));
  }
  assert.match(refused('value-unsupported', () => exact(path('/a'))).message, /a constraint among values/);
  assert.match(refused('value-unsupported', () => oneOf('/a', path('/a'))).message, /anyOf/);
});

/** What programs should never pass, each made anew; none of it is run. */
function hostile() {
  const trap = () => { throw new Error('run'); };
  const traps = new Proxy({}, { get: () => trap });
  const revoked = (target) => { const { proxy, revoke } = Proxy.revocable(target, {}); revoke(); return proxy; };
  const cyclic = {};
  cyclic.a = { b: cyclic };
  const list = [];
  list.push(list);
  const wide = Array.from({ length: 12 }).reduce((inner) => ({ a: inner, b: inner, c: inner, d: inner }), 1);
  const shared = new Set();
  shared.add(shared);
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  return [
    undefined, NaN, Infinity, -0, 2 ** 53, 1e300, 2n ** 64n, '\udfff', 'x'.repeat(2 ** 21), Symbol('x'), trap, class {}, cyclic, list, wide, shared, detached, new Array(2 ** 32 - 1), [, 1], Object.assign([1], { x: 1 }), { length: 2 ** 40, 0: 'a' }, { length: -1 }, [{ length: 1e9 }],
    { get x() { return trap(); } }, [{ get x() { return trap(); } }], { get [Symbol.toStringTag]() { return trap(); } }, { [Symbol.toPrimitive]: trap, toString: trap, valueOf: trap, toJSON: trap, then: trap }, { [Symbol.iterator]: trap }, Object.defineProperty([1], 0, { get: trap }),
    new Proxy({}, traps), new Proxy([], traps), new Proxy(new Set(), traps), new Proxy(path('/a'), traps), new Proxy(trap, traps), revoked({}), revoked([]), revoked(trap), new Proxy(new Date(), traps), [new Proxy({}, traps)], { x: new Proxy([], traps) }, { x: revoked([]) },
    JSON.parse('{"__proto__":{"x":1}}'), JSON.parse('{"__proto__":1,"constructor":[1]}'), Object.create({ a: 1 }), Object.create(path('/a')), Object.create(Constraint.prototype), { __proto__: Constraint.prototype }, Object.setPrototypeOf({}, Array.prototype), Object.setPrototypeOf([], null),
    Object.setPrototypeOf(new Set([1]), { forEach: trap, [Symbol.iterator]: trap }), Object.assign(new Set([1]), { forEach: trap }), new (class extends Set { forEach() { trap(); } *[Symbol.iterator]() { trap(); } })([1]), new (class extends Array { map() { trap(); } })(3), new WeakMap(), globalThis, process.env, new Error('x'),
    Object.defineProperty(Object.assign(new Date(0), { toISOString: trap, getTime: trap }), Symbol.toPrimitive, { value: trap }), new (class extends Date { toISOString() { trap(); } })(0), new Date(NaN), /x/g, new String('a'), Object(1n), Object(Symbol('x')), new Map([[{}, 1]]), (function () { return arguments; })(1), { '': 1 }, { 'a\0': 1 }, { '\ud800': 1 },
  ];
}

test('nothing that a program passes crashes, hangs, is run, or gives another error than a typed one', () => {
  const { ana, planner, coder, chain } = chainFor('tool', { x: path('/a') });
  const verifier = verifierFor(ana);
  const allowed = verifier.authorize(coder.prove(chain, 'tool', { x: '/a' }, AUDIENCE), 'tool', { x: '/a' });
  const places = [
    ...[exact, oneOf, notOneOf, contains, subset, atLeast, atMost, inRange, path, glob, notGlob, regex, url, cidr, email, each, length, fields, optional, allOf, anyOf, Constraint.decode],
    (value) => between(value, 5), (value) => between(1, value), (value) => length(0, value), (value) => timeWindow(value, null), (value) => timeWindow(null, value), (value) => url('a.example', value),
    ...['schemes', 'ports', 'path', 'public', 'hosts'].map((name) => (value) => url('a.example', { [name]: value })), (value) => url([value]), (value) => fields({ x: value }), (value) => fields({ x: optional(value) }), (value) => email('a.example', value),
    (value) => path('/a').subsumes(value), (value) => path('/a').counterexample(value), (value) => path('/a').narrow(value), (value) => path('/a').accepts(value), (value) => isPublicAddress(value),
    (value) => encodeTools(value), (value) => encodeTools({ tool: value }), (value) => encodeTools({ tool: { x: value } }), (value) => chain.narrow(value), (value) => chain.narrow({ tool: { x: value } }), (value) => toolsSubsume({ tool: {} }, { tool: { x: value } }),
    (value) => ana.issue({ to: planner, tools: { tool: { x: value } } }), (value) => allowed.checkValue('x', value), (value) => allowed.checkValue(value, 1), (value) => allowed.checkAddress('x', value), (value) => allowed.checkAddress(value, '8.8.8.8'),
  ];
  for (const place of places) {
    for (const value of hostile()) {
      const before = performance.now();
      try {
        place(value);
      } catch (error) {
        assert.ok(error instanceof DeputizeError && known.has(error.code) && error.code !== 'internal', `${place}\n${error?.stack ?? error}`);
        assert.ok(error.message.length <= 512, error.message);
      }
      assert.ok(performance.now() - before < 1000, `${place}`);
    }
  }
  const doubled = () => Array.from({ length: 7 }).reduce((inner) => allOf(...Array(200).fill(inner)), exact('a'.repeat(100)));
  for (const run of [doubled, () => each(Array(60000).fill('x'.repeat(1000))), () => fields(Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`a${at}`, exact('x'.repeat(10000))])))]) refused('too-large', run);
  for (const many of [Array(70000).fill(0), new Set(Array(70000).keys()), Object.fromEntries(Array.from({ length: 70000 }, (_, at) => [at, 1]))]) refused('too-many', () => each(many));
  assert.equal({}.x, undefined);
  assert.deepEqual(Object.keys(decodeTools(encodeTools({ tool: JSON.parse('{"__proto__":{"constructor":1}}') })).tool), ['__proto__']);
  assert.equal(hex(optional(Object.assign(new Set([1]), { forEach: 5 })).constraint.encode()), hex(oneOf(1).encode()));
});
