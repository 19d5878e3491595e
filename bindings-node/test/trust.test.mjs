// The trust state: lists, changes, rotations, observers; REV-01, 02, 05, 08, 09, 12, 14, ROT-02, 04, 05, APP-08, 15.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Agent, ApprovalPolicy, ApprovalRequest, Authority, RevocationList, Session, SigningKey, Target, TrustAnchor, TrustState, rotate } from 'deputize';
import { AUDIENCE, cast, denied, refused, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const HOUR = { ttl: '1h' };
const list = (sequence, options = {}, by = ana, given = HOUR) => new RevocationList(sequence, options).sign(by, given);
const issue = (options = {}) => ana.issue({ to: planner, tools: { read: {} }, ...options });
const call = (verifier, chain, by = planner, evidence = []) => verifier.authorize(by.prove(chain, 'read', {}, AUDIENCE, { evidence }), 'read', {});

/** A state with a first list, and a verifier that follows it. */
function following(options = {}, given = {}) {
  const state = new TrustState([ana], options);
  state.applyList(list(1));
  return { state, verifier: verifierFor(ana, { state, ...given }) };
}

test('without a fresh list nothing below the issuer is allowed, unless it is said to be', () => {
  const later = { clock: () => Date.now() + 7200 * 1000 };
  denied('revocation-stale', () => call(verifierFor(ana, { state: new TrustState(ana) }), issue()));
  const { state, verifier } = following();
  assert.ok(call(verifier, issue()));
  denied('token-expired', () => call(verifierFor(ana, { state, ...later }), issue()));
  refused('revocation-stale', () => verifierFor(ana, { state, ...later }).verifyChain(issue({ ttl: '7d' })));
  const careless = new TrustState([new Authority('ana', ana, { dangerAllowStale: true })]);
  assert.ok(call(verifierFor(ana, { state: careless }), issue()));
});

test('REV-01: a state moves only forward, and keeps both sides of an equivocation', () => {
  const { state } = following();
  const seventh = list(7, { suspend: [mallory] });
  assert.equal(state.applyList(seventh), 'accepted');
  assert.equal(state.applyList(seventh), 'unchanged');
  refused('revocation-rollback', () => state.applyList(list(6)));
  refused('revocation-equivocation', () => state.applyList(list(7, { suspend: [coder] })));
  const [found, ...more] = state.evidence;
  assert.deepEqual([found.code, found.about, more.length], ['revocation-equivocation', 'ana', 0]);
  assert.ok(found.first.length > 0 && found.second.length > 0 && !Buffer.from(found.first).equals(Buffer.from(found.second)));
  assert.equal(state.applyList(list(9, { base: 7, revoke: [Target.key(coder)] })), 'accepted');
  refused('revocation-gap', () => state.applyList(list(12, { base: 11 })));
  const held = state.held('ana');
  assert.deepEqual([held.sequence, held.ids, state.held('nobody')], [9, 2, null]);
  refused('revocation-rollback', () => new TrustState(new Authority('ana', ana, { atLeast: 5 })).applyList(list(4)));
});

test('REV-02, REV-12: a list by somebody else, or changed, is none', () => {
  const { state, verifier } = following();
  refused('revocation-untrusted', () => state.applyList(list(2, {}, mallory)));
  refused('signature-invalid', () => state.applyList(list(2, {}, Agent.generate('ana'))));
  const good = list(2, { revoke: [Target.key(planner)] });
  for (let at = 0; at < good.length; at++) {
    assert.throws(() => state.applyList(good.subarray(0, at)), { name: 'DeputizeError' });
    const flipped = Uint8Array.from(good);
    flipped[at] ^= 1;
    assert.throws(() => state.applyList(flipped), { name: 'DeputizeError' });
  }
  assert.equal(state.held('ana').sequence, 1);
  assert.ok(call(verifier, issue()));
});

test('REV-08: what a list names is refused with all below it, and nothing beside', () => {
  const session = Session.open({ task: 'a' });
  for (const [code, target, by] of [
    ['token-revoked', (root) => Target.token(root.unverifiedClaims()[0].id)], ['key-revoked', () => Target.key(planner)], ['session-closed', () => Target.session(session)], ['task-closed', () => Target.task(session)],
    ['token-revoked', (_, leaf) => Target.token(leaf.unverifiedClaims()[1].id), 1], ['key-revoked', () => Target.key(coder.key), 1],
  ]) {
    const { state, verifier } = following();
    const root = issue({ session });
    const leaf = planner.delegate(root, { to: coder });
    const beside = ana.issue({ to: mallory, tools: { read: {} } });
    state.applyList(list(2, { revoke: [target(root, leaf)] }));
    assert.equal(denied(code, () => call(verifier, leaf, coder)).link, by ?? 0);
    if (by === 1) assert.ok(call(verifier, root));
    assert.ok(call(verifier, beside, mallory));
  }
});

test('agents are suspended, pending and active again as lists say', () => {
  const { state, verifier } = following();
  state.applyList(list(2, { suspend: [planner], pending: [coder.key] }));
  denied('agent-suspended', () => call(verifier, issue()));
  denied('agent-pending', () => call(verifier, ana.issue({ to: coder, tools: { read: {} } }), coder));
  state.applyList(list(3, { base: 2, activate: [planner, coder] }));
  assert.ok(call(verifier, issue()));
  state.applyList(list(4, { epoch: Math.floor(Date.now() / 1000) + 5 }));
  denied('issued-before-epoch', () => call(verifier, issue()));
  refused('agent-suspended', () => { state.applyList(list(5, { suspend: [mallory] })); state.judgeKey('ana', mallory); });
  state.judgeKey('ana', coder);
});

test('APP-08, APP-15: an approver that is revoked, and an approval that is withdrawn, count no more', () => {
  const approvals = new ApprovalPolicy(1, [mallory, coder]);
  const { state, verifier } = following({}, { approvals });
  const chain = issue();
  const request = new ApprovalRequest(chain, 'read', {}, AUDIENCE);
  const [one, two] = [mallory.approve(request), coder.approve(request)];
  state.applyList(list(2, { revoke: [Target.approval(one.id), Target.key(coder)] }));
  denied('approval-withdrawn', () => call(verifier, chain, planner, [one]));
  denied('key-revoked', () => call(verifier, chain, planner, [two]));
  refused('approval-withdrawn', () => state.judgeApproval('ana', one.id));
  state.judgeApproval('ana', two.id);
});

test('a list is loaded in chunks of any size, and nothing changes before its end', () => {
  const revoke = Array.from({ length: 300 }, (_, at) => Target.token(new Uint8Array(16).fill(at % 256, 1).fill(at >> 8, 0, 1)));
  const whole = list(2, { revoke });
  for (const size of [1, 7, 1000, whole.length]) {
    const { state } = following();
    const loader = state.loader();
    for (let at = 0; at < whole.length; at += size) loader.push(whole.subarray(at, at + size));
    assert.equal(state.held('ana').sequence, 1);
    assert.equal(loader.finish(), 'accepted');
    assert.deepEqual([state.held('ana').sequence, state.held('ana').ids], [2, 300]);
    refused('config-invalid', () => loader.finish());
    refused('config-invalid', () => loader.push(whole));
  }
  const { state } = following();
  const early = state.loader();
  early.push(whole.subarray(0, whole.length - 1));
  refused('revocation-incomplete', () => early.finish());
  const broken = state.loader();
  refused('malformed', () => { broken.push(new Uint8Array(200_000)); });
  refused('malformed', () => broken.push(whole));
  for (const chunk of [undefined, null, 'x', 5, {}, new Proxy(new Uint8Array(1), {})]) refused('malformed', () => state.loader().push(chunk));
  assert.equal(state.held('ana').sequence, 1);
});

test('REV-14: of two lists that are loaded at once the later one stays', () => {
  const { state } = following();
  const [older, newer] = [state.loader(), state.loader()];
  older.push(list(2));
  newer.push(list(7));
  assert.equal(newer.finish(), 'accepted');
  refused('revocation-rollback', () => older.finish());
  assert.equal(state.held('ana').sequence, 7);
});

test('observers are told once, after it is over, and change nothing of it', async (t) => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const told = [];
  const { state, verifier } = following({
    onRevoked: (event) => { told.push(['revoked', event.target, event.standing, event.sequence, state.held('ana').sequence]); throw new Error('odd'); },
    onDenied: async (event) => { told.push(['denied', event.target, event.afterMs >= 0]); assert.throws(() => { event.target = 'x'; }, TypeError); denied('key-revoked', () => call(verifier, issue())); throw new Error('odd'); },
  });
  const target = Target.key(planner);
  state.applyList(list(2, { revoke: [target], suspend: [mallory] }));
  assert.deepEqual(told, [['revoked', String(target), 'revoked', 2, 2], ['revoked', String(Target.key(mallory)), 'suspended', 2, 2]]);
  for (let time = 0; time < 3; time++) denied('key-revoked', () => call(verifier, issue()));
  assert.deepEqual(told.slice(2), [['denied', String(target), true]]);
  const loader = state.loader();
  loader.push(list(3, { revoke: [target, Target.session(Session.open())], suspend: [mallory] }));
  loader.finish();
  assert.equal(told.length, 4);
  refused('agent-suspended', () => state.judgeKey('ana', mallory));
  assert.equal(told.length, 5);
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(unhandled, []);
});

test('ROT-02, ROT-04, ROT-05: a key is followed by one successor, which both sign', () => {
  let now = Date.now();
  const clock = () => now;
  const next = new Agent('ana', SigningKey.generate());
  const state = new TrustState([ana], { clock });
  state.applyList(list(1));
  const verifier = verifierFor(ana, { state, clock });
  const [before, rotation] = [issue(), rotate(ana, next, { overlap: '1m', name: 'ana' })];
  const issueNext = () => next.issue({ to: planner, tools: { read: {} } });
  denied('signature-invalid', () => call(verifier, issueNext()));
  assert.equal(state.applyRotation(rotation), 'accepted');
  for (let time = 0; time < 10; time++) assert.equal(state.applyRotation(rotation), 'unchanged');
  assert.ok(call(verifier, before) && call(verifier, issueNext()));
  refused('rotation-equivocation', () => state.applyRotation(rotate(ana, mallory)));
  assert.equal(state.evidence[0].code, 'rotation-equivocation');
  now += 61_000;
  refused('key-retired', () => verifier.verifyChain(before));
  assert.ok(verifier.verifyChain(issueNext()));
  assert.deepEqual(state.keysOf(ana).map((used) => [String(used.key), used.retired]), [[ana.did, true], [next.did, false]]);
  refused('key-retired', () => state.applyList(list(2)));
  assert.equal(state.applyList(list(2, {}, next)), 'accepted');
  for (let at = 0; at < rotation.length; at++) assert.throws(() => state.applyRotation(rotation.subarray(0, at)), { name: 'DeputizeError' });
  const flipped = Uint8Array.from(rotation);
  flipped[flipped.length - 1] ^= 1;
  refused('signature-invalid', () => new TrustState([ana]).applyRotation(flipped));
});

test('REV-09: a target has one spelling', () => {
  const id = issue().unverifiedClaims()[0].id;
  assert.equal(String(Target.token(id)), `token:${id}`);
  assert.equal(JSON.stringify(Target.fromText(`token:${id}`)), `"token:${id}"`);
  const { state } = following();
  state.applyList(list(2, { revoke: [`token:${id}`, Target.fromText(`session:${id}`)] }));
  assert.equal(state.held('ana').ids, 2);
  for (const wrong of [id, `token:${id.toUpperCase()}`, `Token:${id}`, `token: ${id}`, `token:${id}\n`, `token:${id.slice(2)}`, 'token:', '', `task:${id}`, undefined, null, 5, {}, '\ud800', new String(`token:${id}`)]) {
    refused('malformed', () => Target.fromText(wrong));
    refused('malformed', () => list(3, { revoke: [wrong] }));
  }
  refused('key-invalid', () => Target.fromText('key:did:key:z6Mk'));
  for (const wrong of [id.toUpperCase(), new Uint8Array(15), null, 5, {}]) for (const make of [Target.token, Target.session, Target.task, Target.approval]) refused('claim-invalid', () => make(wrong));
  refused('malformed', () => list(3, { revoke: [new Proxy(Target.token(id), {})] }));
});

test('what is no list, authority, state or rotation is refused', () => {
  for (const sequence of [0, -1, -0, 1.5, NaN, 2 ** 53, '1', true, null, undefined, 1n]) refused('claim-invalid', () => list(sequence));
  for (const options of [{ base: 5 }, { base: 9 }, { base: true }, { epoch: -1 }, { epoch: '0' }, { revoke: 'x' }, { revoke: null }, { suspend: planner }, { activate: [planner] }, { base: 1, activate: [planner], suspend: [planner] }]) refused('claim-invalid', () => list(5, options));
  for (const keys of [[5], [planner.did], [new Proxy(planner, {})]]) refused('key-invalid', () => list(5, { suspend: keys }));
  for (const given of [{ ttl: 0 }, { ttl: '31d' }, { ttl: -0 }, { ttl: null }]) refused('claim-invalid', () => list(5, {}, ana, given));
  refused('claim-missing', () => new RevocationList(5).sign(ana));
  refused('key-invalid', () => new RevocationList(5).sign(ana.key, HOUR));
  refused('config-invalid', () => list(5, { revoked: [] }));
  for (const authorities of [[], [ana, ana], undefined, null, 5, [ana.key], [new Proxy(new Authority('a', ana), {})]]) refused('config-invalid', () => new TrustState(authorities));
  for (const options of [{ onRevoked: 5 }, { onDenied: null }, { clock: 5 }, { onRevocation: () => {} }]) refused('config-invalid', () => new TrustState(ana, options));
  for (const [code, ...parameters] of [['name-invalid', '', ana], ['name-invalid', '\ud800', ana], ['name-invalid', 5, ana], ['key-invalid', 'a', ana.did], ['config-invalid', 'a', ana, { atLeast: -1 }], ['config-invalid', 'a', ana, { dangerAllowStale: 'no' }], ['config-invalid', 'a', ana, { forEveryIssuer: null }], ['config-invalid', 'a', ana, { allowStale: true }]]) refused(code, () => new Authority(...parameters));
  for (const trust of [Object.create(TrustAnchor.prototype), new Proxy(new TrustAnchor('ana', ana), {}), Object.create(new TrustAnchor('ana', ana))]) refused('config-invalid', () => verifierFor(trust));
  const { state } = following();
  for (const wrong of [null, {}, [state], new Proxy(state, {}), Object.create(state)]) refused('config-invalid', () => verifierFor(ana, { state: wrong }));
  for (const wrong of [undefined, null, 'x', 5, {}]) {
    refused('malformed', () => state.applyList(wrong));
    refused('malformed', () => state.applyRotation(wrong));
  }
  for (const [code, ...parameters] of [['key-invalid', ana, ana.key], ['key-invalid', ana, undefined], ['rotation-invalid', ana, ana], ['claim-invalid', ana, coder, { overlap: '25h' }], ['claim-invalid', ana, coder, { overlap: -1 }], ['claim-invalid', ana, coder, { overlap: null }], ['name-invalid', ana, coder, { name: '' }], ['config-invalid', ana, coder, { overlaps: 1 }]]) refused(code, () => rotate(...parameters));
  for (const name of [undefined, null, 5, '\ud800']) refused('name-invalid', () => state.held(name));
});

test('a list for every issuer counts for each, and states are shared', () => {
  const state = new TrustState([new Authority('security', mallory, { forEveryIssuer: true })]);
  const [here, there] = [verifierFor(ana, { state }), verifierFor(new TrustAnchor('ana', ana.key), { state })];
  denied('revocation-stale', () => call(here, issue()));
  state.applyList(list(1, {}, new Agent('security', SigningKey.fromSeed(new Uint8Array(32).fill(4)))));
  assert.ok(call(here, issue()) && call(there, issue()));
  state.applyList(list(2, { revoke: [Target.key(planner)] }, new Agent('security', SigningKey.fromSeed(new Uint8Array(32).fill(4)))));
  for (const verifier of [here, there]) denied('key-revoked', () => call(verifier, issue()));
  assert.ok(!/External|handle/.test(inspect(state, { depth: 9, showHidden: true })));
  assert.throws(() => structuredClone(state).applyList(list(3)));
});
