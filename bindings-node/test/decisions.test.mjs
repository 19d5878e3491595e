// Every denial that a caller can reach through the API, with its code and its record; FFI-20, ENC-24, POP-01, 04, 10, 15, 16, 17, 18, TIM-01, 03.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, MemoryStore, Presentation, TrustAnchor, Verifier, allOf, atLeast, between, decodeValue, encodeValue, optional } from 'deputize';
import { AUDIENCE, cast, chainFor, denied, refused, verifierFor } from '../support/helpers.mjs';

const later = (seconds) => ({ clock: () => Date.now() + seconds * 1000 });

/** Chain and proof taken apart and put together; a presentation has the shape of a list. */
const parts = (presentation) => decodeValue(presentation.bytes);
const joined = (tokens, proof) => encodeValue([[...tokens], proof]);

test('what is no presentation is denied, and nothing weaker is tried', () => {
  const { ana, coder, chain } = chainFor();
  const verifier = verifierFor(ana);
  const good = coder.prove(chain, 'deploy', {}, AUDIENCE);
  const [tokens, proof] = parts(good);
  for (const [code, presentation] of [
    ['proof-missing', undefined], ['proof-missing', null], ['proof-missing', ''], ['proof-missing', new Uint8Array()], ['proof-missing', Buffer.alloc(0)], ['proof-missing', encodeValue([tokens])],
    ['text-malformed', ' '], ['text-malformed', '\n'], ['text-malformed', `${good.text}=`], ['text-malformed', ` ${good.text}`], ['text-malformed', `${good.text}\n`], ['text-malformed', `\ufeff${good.text}`], ['text-malformed', `${good.text.slice(0, -1)}+`],
    ['text-malformed', `${good.text.slice(0, 100)}/${good.text.slice(101)}`], ['text-malformed', 'AR'], ['text-malformed', 'A'], ['text-malformed', 'a\ud800'], ['text-malformed', `Bearer ${good.text}`], ['text-malformed', `${good.text}, ${good.text}`],
    ['malformed', 5], ['malformed', {}], ['malformed', []], ['malformed', true], ['malformed', chain], ['malformed', { text: good.text }], ['malformed', { toString: () => good.text }], ['malformed', new Uint16Array(4)], ['malformed', Object.create(Presentation.prototype)], ['malformed', new Proxy(good, {})],
    ['malformed', new Uint8Array([0])], ['malformed', good.bytes.subarray(0, -1)], ['malformed', Buffer.concat([good.bytes, Buffer.alloc(1)])], ['malformed', chain.bytes], ['malformed', joined([], proof)], ['not-canonical', Buffer.concat([Buffer.from([0x98, 2]), good.bytes.subarray(1)])],
    ['too-large', new Uint8Array(131073)], ['too-large', 'A'.repeat(1 << 20)], ['too-many', joined(Array.from({ length: 17 }, () => tokens[0]), proof)], ['too-large', joined(tokens, new Uint8Array(2049))],
    ['kind-mismatch', joined([tokens[0], proof], proof)], ['kind-mismatch', joined(tokens, tokens[1])],
  ]) {
    const refusal = denied(code, () => verifier.authorize(presentation, 'deploy', {}));
    assert.match(refusal.record.sentence, /an unverified caller called deploy/);
    assert.equal(JSON.parse(refusal.record.json()).arguments_digest.length, 64);
  }
  assert.equal(verifier.authorize(good, 'deploy', {}).caller, 'coder');
});

test('bytes of every kind are the same presentation', () => {
  const { ana, coder, chain } = chainFor();
  for (const form of [(p) => p, (p) => p.text, (p) => String(p), (p) => p.bytes, (p) => Buffer.from(p.bytes), (p) => { const s = new Uint8Array(new SharedArrayBuffer(p.bytes.length)); s.set(p.bytes); return s; }]) {
    assert.equal(verifierFor(ana).authorize(form(coder.prove(chain, 'deploy', { a: 1 }, AUDIENCE)), 'deploy', { a: 1 }).tool, 'deploy');
  }
});

test('a proof is for one call, one audience, one token, one holder', () => {
  const { ana, planner, coder, mallory, root, chain } = chainFor();
  const verifier = verifierFor(ana);
  const prove = (args = { a: 'bc', b: 1 }, audience = AUDIENCE, given = undefined) => coder.prove(chain, 'deploy', args, audience, given);
  for (const args of [{ a: 'bc', b: 2 }, { a: 'bc' }, { a: 'bc', b: 1, c: null }, { a: 'bc', b: '1' }, { a: 'bc', b: true }, { a: 'b', b: 1 }, { A: 'bc', b: 1 }, {}]) denied('proof-mismatch', () => verifier.authorize(prove(), 'deploy', args));
  const both = ana.issue({ to: coder, tools: { a: {}, ab: {}, deploy: {} } });
  denied('proof-mismatch', () => verifier.authorize(coder.prove(both, 'a', { x: 'bc' }, AUDIENCE), 'ab', { x: 'bc' }));
  for (const audience of ['https://tools.acme.example.evil', 'https://tools.acme.exampl', 'HTTPS://tools.acme.example', `${AUDIENCE}/`, `${AUDIENCE}.`]) denied('audience-mismatch', () => verifier.authorize(prove({}, audience), 'deploy', {}));
  denied('challenge-mismatch', () => verifier.authorize(prove({}), 'deploy', {}, { challenge: new Uint8Array(8) }));
  denied('challenge-mismatch', () => verifier.authorize(prove({}, AUDIENCE, { challenge: new Uint8Array(8) }), 'deploy', {}));
  denied('challenge-mismatch', () => verifier.authorize(prove({}, AUDIENCE, { challenge: new Uint8Array(8) }), 'deploy', {}, { challenge: new Uint8Array(9) }));
  assert.ok(verifier.authorize(prove({}, AUDIENCE, { challenge: new Uint8Array(8) }), 'deploy', {}, { challenge: Buffer.alloc(8) }));
  const [tokens, proof] = parts(prove({}));
  const [, byPlanner] = parts(planner.prove(root, 'deploy', {}, AUDIENCE));
  const [, elsewhere] = parts(coder.prove(both, 'deploy', {}, AUDIENCE));
  denied('proof-signature-invalid', () => verifier.authorize(joined(tokens, byPlanner), 'deploy', {}));
  denied('proof-mismatch', () => verifier.authorize(joined(tokens, elsewhere), 'deploy', {}));
  denied('proof-signature-invalid', () => verifier.authorize(joined([tokens[0]], proof), 'deploy', {}));
  assert.equal(denied('issuer-untrusted', () => verifier.authorize(joined([tokens[1], tokens[0]], proof), 'deploy', {})).link, 0);
  for (const challenge of [new Uint8Array(), new Uint8Array(65), 'text', null, [1]]) refused('claim-invalid', () => prove({}, AUDIENCE, { challenge }));
  const own = mallory.issue({ to: coder, tools: { deploy: {} } });
  denied('issuer-untrusted', () => verifier.authorize(coder.prove(own, 'deploy', {}, AUDIENCE), 'deploy', {}));
});

test('a chain is whole, in order, and signed by those it names', () => {
  const { ana, coder, mallory, chain } = chainFor();
  const verifier = verifierFor(ana);
  const [tokens, proof] = parts(coder.prove(chain, 'deploy', {}, AUDIENCE));
  const changed = (at, from) => tokens.map((token, index) => { if (index !== at) return token; const copy = Buffer.from(token); copy[from < 0 ? copy.length + from : from] ^= 1; return copy; });
  assert.equal(denied('signature-invalid', () => verifier.authorize(joined(changed(1, -1), proof), 'deploy', {})).link, 1);
  assert.equal(denied('signature-invalid', () => verifier.authorize(joined(changed(0, -1), proof), 'deploy', {})).link, 0);
  assert.equal(denied('issuer-untrusted', () => verifier.authorize(joined([tokens[1]], proof), 'deploy', {})).link, 0);
  const impostor = Agent.fromSeed('ana', new Uint8Array(32).fill(99));
  denied('signature-invalid', () => verifier.authorize(coder.prove(impostor.issue({ to: coder, tools: { deploy: {} } }), 'deploy', {}, AUDIENCE), 'deploy', {}));
  const other = chainFor('deploy', {}, { subject: 'bob' });
  denied('parent-mismatch', () => verifier.authorize(joined([parts(other.coder.prove(other.chain, 'deploy', {}, AUDIENCE))[0][0], tokens[1]], proof), 'deploy', {}));
  assert.equal(refused('issuer-untrusted', () => verifierFor(mallory).verifyChain(chain)).link, 0);
  for (const value of [undefined, chain.text, chain.bytes, {}]) refused('malformed', () => verifier.verifyChain(value));
});

test('what the token allows decides, not what the call asks', () => {
  const { ana, coder, chain } = chainFor('deploy', { tag: ['v1', 'v2'], count: optional(between(1, 5)), other: optional(allOf(atLeast(1))) });
  const verifier = verifierFor(ana);
  const call = (args, tool = 'deploy') => () => verifier.authorize(coder.prove(chain, tool, args, AUDIENCE), tool, args);
  assert.equal(call({ tag: 'v1' })().tool, 'deploy');
  assert.equal(call({ tag: 'v2', count: 2.5 })().arguments.count, 2.5);
  assert.equal(denied('argument-missing', call({})).context, 'argument `tag`');
  for (const args of [{ tag: 'v3' }, { tag: ['v1'] }, { tag: null }, { tag: 'v1', count: 6 }, { tag: 'v1', count: '1' }, { tag: 'v1', count: true }, { tag: 'v1', count: null }]) assert.equal(denied('argument-refused', call(args)).link, 1);
  denied('argument-unexpected', call({ tag: 'v1', force: true }));
  for (const tool of ['destroy', 'Deploy', 'constructor', '__proto__', 'toString']) denied('tool-not-allowed', call({ tag: 'v1' }, tool));
  const guarded = ana.issue({ to: coder, tools: { deploy: {}, read: {} }, approvals: { deploy: { count: 1, approvers: [ana] } } });
  denied('approval-required', () => verifier.authorize(coder.prove(guarded, 'deploy', {}, AUDIENCE), 'deploy', {}));
  assert.ok(verifier.authorize(coder.prove(guarded, 'read', {}, AUDIENCE), 'read', {}));
  denied('tool-not-allowed', () => verifier.authorize(coder.prove(ana.issue({ to: coder }), 'deploy', {}, AUDIENCE), 'deploy', {}));
});

test('audiences and contexts are compared whole', () => {
  const { ana, coder } = cast();
  const verifier = verifierFor(ana);
  const call = (options, given) => () => { const chain = ana.issue({ to: coder, tools: { t: {} }, ...options }); return verifier.authorize(coder.prove(chain, 't', {}, AUDIENCE), 't', {}, given); };
  assert.ok(call({ audience: ['x', AUDIENCE] })());
  for (const audience of ['x', [], [`${AUDIENCE}.evil`]]) denied('audience-mismatch', call({ audience }));
  assert.ok(call({ context: 'tenant:1' }, { context: 'tenant:1/task:7' })());
  for (const [has, given] of [['tenant:1', undefined], [undefined, 'tenant:1'], ['tenant:1', 'tenant:10'], ['tenant:1/task:7', 'tenant:1'], ['tenant:1', 'tenant:1/../tenant:2'], ['tenant:1', 'tenant:2'], ['tenant:1', '']]) denied('context-mismatch', call({ context: has }, { context: given }));
});

test('times have a beginning and an end', () => {
  const { ana, coder } = cast();
  const chain = ana.issue({ to: coder, tools: { t: {} }, ttl: 30 });
  const early = ana.issue({ to: coder, tools: { t: {} }, notBefore: Math.floor(Date.now() / 1000) + 100 });
  const call = (verifier, on = chain) => () => verifier.authorize(coder.prove(on, 't', {}, AUDIENCE), 't', {});
  const from = { commit: () => true };
  assert.equal(denied('token-expired', call(verifierFor(ana, { store: from, ...later(30) }))).link, 0);
  assert.ok(call(verifierFor(ana, { store: from, ...later(20) }))());
  denied('token-not-yet-valid', call(verifierFor(ana), early));
  denied('token-not-yet-valid', call(verifierFor(ana, { store: from, ...later(-40) })));
  const long = ana.issue({ to: coder, tools: { t: {} } });
  denied('proof-expired', call(verifierFor(ana, { store: from, ...later(60) }), long));
  const proof = coder.prove(long, 't', {}, AUDIENCE);
  denied('proof-predates-store', () => verifierFor(ana, later(5)).authorize(proof, 't', {}));
});

test('a proof is used once', () => {
  const { ana, coder, chain } = chainFor();
  const verifier = verifierFor(ana);
  const proof = coder.prove(chain, 'deploy', {}, AUDIENCE);
  denied('proof-mismatch', () => verifier.authorize(proof, 'deploy', { x: 1 }));
  assert.ok(verifier.authorize(proof, 'deploy', {}));
  denied('proof-replayed', () => verifier.authorize(proof.text, 'deploy', {}));
  assert.ok(verifier.authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {}));
});

test('arguments, tool and options that cannot be read are denied with a record', () => {
  const { ana, coder, chain } = chainFor();
  const verifier = verifierFor(ana);
  const proof = coder.prove(chain, 'deploy', {}, AUDIENCE);
  for (const args of [undefined, null, 'x', [], { x: undefined }, { x: new Date() }, { get x() { return 1; } }, new Proxy({}, {})]) assert.equal(JSON.parse(denied('value-unsupported', () => verifier.authorize(proof, 'deploy', args)).record.json()).arguments_digest, undefined);
  denied('too-deep', () => { const args = {}; args.args = args; verifier.authorize(proof, 'deploy', args); });
  denied('too-many', () => verifier.authorize(proof, 'deploy', { x: new Array(70000).fill(0) }));
  denied('too-large', () => verifier.authorize(proof, 'deploy', { x: 'x'.repeat(2 << 20) }));
  for (const args of [{ '*': 1 }, { '': 1 }, { 'a\n': 1 }]) denied('name-invalid', () => verifier.authorize(proof, 'deploy', args));
  for (const tool of [undefined, null, 5, '', 'a\n', 'a\ud800', 'x'.repeat(257), {}, { toString: () => 'deploy' }]) denied('name-invalid', () => verifier.authorize(proof, tool, {}));
  for (const given of [{ chalenge: new Uint8Array(8) }, { challenge: null }, { challenge: 'x' }, { context: null }, { context: 5 }, null, 'x', []]) denied('config-invalid', () => verifier.authorize(proof, 'deploy', {}, given));
  assert.ok(verifier.authorize(proof, 'deploy', {}, { challenge: undefined, context: undefined }));
});

test('a call within a call, from an option or a clock, does not touch the outer one', () => {
  const { ana, coder, chain } = chainFor();
  const plain = verifierFor(ana);
  const proof = (args) => coder.prove(chain, 'deploy', args, AUDIENCE);
  const inner = () => {
    const args = { n: 2, text: 'x'.repeat(200000), bytes: new Uint8Array(1000).fill(7) };
    assert.equal(plain.authorize(proof(args), 'deploy', args).arguments.n, 2);
    denied('text-malformed', () => plain.authorize('no presentation', 'deploy', { n: 3 }));
    denied('value-unsupported', () => plain.authorize(proof(args), 'deploy', { deep: [{ x: undefined }] }));
  };
  const outer = verifierFor(ana, { clock: () => (inner(), Date.now()) });
  for (const n of [0, 1]) {
    const args = { n, text: 'ä€😀' };
    const shown = proof(args).bytes;
    const given = { get challenge() { inner(); args.text = 'changed'; return undefined; } };
    const authorized = outer.authorize(shown, 'deploy', args, given);
    assert.deepEqual({ ...authorized.arguments }, { n, text: 'ä€😀' });
    assert.equal(authorized.record.allowed, true);
    denied('proof-replayed', () => outer.authorize(shown, 'deploy', { n, text: 'ä€😀' }, given));
  }
});

test('what a denial or an allowed call is does not come from a prototype', (t) => {
  const { ana, coder, chain } = chainFor();
  t.after(() => ['waiting', 'error', 'decision', 'question'].forEach((name) => delete Object.prototype[name]));
  for (const name of ['waiting', 'error', 'decision', 'question']) Object.prototype[name] = {};
  const verifier = verifierFor(ana);
  const shown = coder.prove(chain, 'deploy', {}, AUDIENCE);
  assert.equal(verifier.authorize(shown, 'deploy', {}).caller, 'coder');
  denied('proof-replayed', () => verifier.authorize(shown, 'deploy', {}));
});

test('a verifier is configured whole or not at all', () => {
  const { ana } = cast();
  for (const given of [undefined, null, {}, { trust: [ana] }, { audience: 'a' }, { trust: [], audience: 'a' }, { trust: [ana, ana], audience: 'a' }, { trust: [ana.key], audience: 'a' }, { trust: [ana], audience: '' }, { trust: [ana], audience: 'a\n' }, { trust: [ana], audience: 5 },
    { trust: [ana], audience: 'a', audit: 'file' }, { trust: [ana], audience: 'a', audit: null }, { trust: [ana], audience: 'a', store: null }, { trust: [ana], audience: 'a', store: {} }, { trust: [ana], audience: 'a', store: () => true }, { trust: [ana], audience: 'a', store: { commit: true } }, { trust: [ana], audience: 'a', replay: new MemoryStore() }, { trust: [ana], audience: 'a', clock: 5 }, { trust: [ana], audience: 'a', log: () => 1 }]) refused('config-invalid', () => new Verifier(given));
  for (const name of ['', 'a\n', 5, undefined]) refused('name-invalid', () => new TrustAnchor(name, ana.key));
  for (const key of ['x', undefined, {}]) refused('key-invalid', () => new TrustAnchor('a', key));
});

test('a presentation is read back', () => {
  const { ana, coder, chain } = chainFor();
  const [first, second] = [verifierFor(ana), verifierFor(ana)];
  const presentation = coder.prove(chain, 'deploy', {}, AUDIENCE);
  for (const [verifier, again] of [[first, Presentation.fromText(presentation.text)], [second, Presentation.decode(presentation.bytes)]]) {
    assert.equal(again.text, presentation.text);
    assert.equal(again.unverifiedChain().text, chain.text);
    assert.equal(verifier.authorize(again.attach(), 'deploy', {}).caller, 'coder');
  }
  refused('proof-missing', () => Presentation.fromText(''));
  for (const wrong of ['a b', 5, undefined, '\ud800', ['a']]) refused('text-malformed', () => Presentation.fromText(wrong));
  refused('malformed', () => Presentation.fromText(chain.text));
  refused('too-large', () => Presentation.fromText('A'.repeat(1 << 20)));
  refused('too-large', () => Presentation.decode(new Uint8Array(1 << 20)));
  for (const wrong of [new Uint8Array([120]), 'x', null, {}, presentation]) refused('malformed', () => Presentation.decode(wrong));
});
