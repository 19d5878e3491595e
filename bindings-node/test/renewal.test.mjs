// Renewal: a short-lived token follows another, by a policy, and gives what the one before gave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, RenewalPolicy, RevocationList, Target, TrustState } from 'deputize';
import { AUDIENCE, cast, refused, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const tools = { read: {} };
const ends = (chain) => chain.unverifiedClaims().at(-1).expires;

/** A clock in seconds that a test sets, and a policy that goes by it. */
function clocked() {
  const set = { now: Math.floor(Date.now() / 1000) };
  const clock = () => set.now * 1000;
  return { set, clock, policy: (until, before = '1m', options = {}) => new RenewalPolicy(before, until, { clock, ...options }) };
}

test('a token is renewed in its last minute and gives what the old one gave', () => {
  const verifier = verifierFor(ana);
  const { set, policy } = clocked();
  const old = ana.issue({ to: planner, tools, ttl: '10m', reason: 'work', context: 'tenant:1' });
  const end = ends(old);
  set.now = end - 61;
  assert.equal(policy(end + 3600).renewRoot(ana, old), null);
  set.now = end - 60;
  const fresh = policy(end + 3600).renewRoot(ana, old);
  const [[before], [after]] = [old.unverifiedClaims(), fresh.unverifiedClaims()];
  assert.notEqual(after.id, before.id);
  const plain = ({ holder, tools: given, ...claims }) => ({ ...claims, holder: String(holder), tools: JSON.stringify(given) });
  assert.deepEqual(plain(after), { ...plain(before), id: after.id, issued: end - 60, expires: end + 540 });

  // A leaf by whoever delegated it.
  const parent = ana.issue({ to: planner, tools });
  const child = planner.delegate(parent, { to: coder, ttl: 60 });
  const renewed = new RenewalPolicy(60, end + 3600).renew(planner, parent, child);
  assert.ok(verifier.authorize(coder.prove(renewed, 'read', {}, AUDIENCE), 'read', {}));
  assert.deepEqual([renewed.tokens.length, renewed.tokens[0]], [2, child.tokens[0]]);
  assert.notDeepEqual(renewed.tokens[1], child.tokens[1]);
});

test('nothing is renewed beyond the policy, or after the end, or for another', () => {
  const { set, policy } = clocked();
  const old = ana.issue({ to: planner, tools, ttl: '10m' });
  const end = ends(old);
  set.now = end - 10;
  for (const before of ['1m', Number.MAX_SAFE_INTEGER]) assert.equal(ends(policy(end + 100, before).renewRoot(ana, old)), end + 100);
  refused('token-expired', () => policy(end - 10).renewRoot(ana, old));
  refused('claim-invalid', () => policy(end + 3600).renewRoot(mallory, old));
  refused('claim-invalid', () => policy(end + 3600).renew(planner, old, old));
  const leaf = planner.delegate(old, { to: coder });
  refused('claim-invalid', () => policy(end + 3600).renewRoot(ana, leaf));
  refused('signature-invalid', () => policy(end + 3600).renew(ana, old, leaf));
  const counted = ana.issue({ to: planner, tools, ttl: '10m', audience: AUDIENCE, budgets: [Budget.calls(1)] });
  refused('claim-invalid', () => policy(end + 3600).renewRoot(ana, counted));
  set.now = end;
  refused('token-expired', () => policy(end + 3600).renewRoot(ana, old));
});

test('an agent that was revoked or suspended is not renewed', () => {
  const { set, policy } = clocked();
  const told = [];
  const state = new TrustState(ana, { onDenied: (event) => told.push(event.target) });
  const old = ana.issue({ to: planner, tools, ttl: '10m' });
  const parent = ana.issue({ to: planner, tools });
  const leaf = planner.delegate(parent, { to: coder, ttl: '10m' });
  set.now = ends(old) - 10;
  const careful = policy(ends(old) + 3600, '1m', { state });
  const both = [() => careful.renewRoot(ana, old), () => careful.renew(planner, parent, leaf)];
  const apply = (sequence, options) => state.applyList(new RevocationList(sequence, options).sign(ana, { ttl: '1h' }));
  both.forEach((renew) => refused('revocation-stale', renew));
  apply(1);
  both.forEach((renew) => assert.equal(ends(renew()), set.now + 600));
  apply(2, { suspend: [planner, coder] });
  both.forEach((renew) => refused('agent-suspended', renew));
  apply(3, { pending: [planner, coder] });
  both.forEach((renew) => refused('agent-pending', renew));
  assert.deepEqual(told.slice(0, 2), [String(Target.key(planner)), String(Target.key(planner))], 'the root comes first');
  apply(4, { revoke: [Target.key(planner), Target.key(coder)] });
  both.forEach((renew) => refused('key-revoked', renew));
});

test('an agent that is renewed goes on until the policy ends', () => {
  const { set, clock, policy } = clocked();
  const verifier = verifierFor(ana, { clock });
  let chain = ana.issue({ to: planner, tools, ttl: '2m' });
  const until = set.now + 400;
  const renewal = policy(until);
  let renewals = 0;
  while (ends(chain) < until) {
    set.now += 30;
    const fresh = renewal.renewRoot(ana, chain);
    if (fresh !== null) renewals++;
    chain = fresh ?? chain;
    assert.ok(verifier.verifyChain(chain));
  }
  assert.ok(renewals >= 4, String(renewals));
  set.now = until;
  refused('token-expired', () => verifier.verifyChain(chain));
});

test('what is no policy is refused', () => {
  const chain = ana.issue({ to: planner, tools });
  const until = ends(chain);
  for (const before of [undefined, null, -1, -0, 1.5, true, '', '1', '1w', 2 ** 53, 1n]) refused('claim-invalid', () => new RenewalPolicy(before, until));
  for (const wrong of [undefined, null, -1, -0, 1.5, true, '1h', 2 ** 53, 253402300800, 1n, new Date()]) refused('claim-invalid', () => new RenewalPolicy(60, wrong));
  for (const options of [{ state: 5 }, { state: null }, { state: new Proxy(new TrustState(ana), {}) }, { clock: 5 }, { states: 1 }, null, []]) refused('config-invalid', () => new RenewalPolicy(60, until, options));
  const policy = new RenewalPolicy(60, until);
  for (const wrong of [undefined, null, 'ana', ana.key, new Proxy(ana, {})]) {
    refused('key-invalid', () => policy.renewRoot(wrong, chain));
    refused('key-invalid', () => policy.renew(wrong, chain, chain));
  }
  for (const wrong of [undefined, null, chain.bytes, chain.text, new Proxy(chain, {})]) {
    refused('malformed', () => policy.renewRoot(ana, wrong));
    refused('malformed', () => policy.renew(ana, wrong, chain));
    refused('malformed', () => policy.renew(ana, chain, wrong));
  }
  for (const answer of [undefined, null, 0, -1, 1.5, 'now', Promise.resolve(1)]) refused('clock-invalid', () => new RenewalPolicy(60, until, { clock: () => answer }).renewRoot(ana, chain));
});
