// Budgets, sessions, modes, bounds of trust anchors, and what is revoked in the store: CTX-01, 02, 06, 07, REV-08, 09.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, MemoryStore, Session, TrustAnchor, between } from 'deputize';
import { AUDIENCE, cast, denied, hex, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const TOOLS = { pay: {}, read: {} };
const issue = (options = {}) => ana.issue({ to: planner, tools: TOOLS, audience: AUDIENCE, ...options });
const call = (verifier, chain, tool = 'read', args = {}, by = planner) => verifier.authorize(by.prove(chain, tool, args, AUDIENCE), tool, args);
const pay = (verifier, chain, amount) => call(verifier, chain, 'pay', { amount });

/** A store of the program's own that does what the one in memory does, and remembers what it was asked. */
function ownStore({ isAsync = false } = {}) {
  const [marks, counts, asked] = [new Set(), new Map(), []];
  const judge = (operations) => {
    for (const [index, [name, key, amount, limit]] of operations.entries()) {
      if ((name === 'claim' || name === 'absent') && marks.has(hex(key))) return ['refused', index];
      if (name === 'spend' && (counts.get(hex(key)) ?? 0) + amount > limit) return ['refused', index];
    }
    for (const [name, key, amount] of operations) {
      if (name === 'claim' || name === 'mark') marks.add(hex(key));
      if (name === 'spend') counts.set(hex(key), (counts.get(hex(key)) ?? 0) + amount);
      if (name === 'refund') counts.set(hex(key), Math.max(0, counts.get(hex(key)) - amount));
    }
    return true;
  };
  const commit = (operations) => { asked.push(operations); return judge(operations); };
  return { asked, commit: isAsync ? async (operations) => commit(operations) : commit };
}

test('a budget of calls lasts for that many, and its claims say so', () => {
  const verifier = verifierFor(ana);
  const chain = issue({ budgets: [Budget.calls(2), Budget.total(100, { tool: 'pay', argument: 'amount', per: '1m', over: 'session' })] });
  assert.deepEqual(structuredClone(chain.unverifiedClaims()[0].budgets), [{ limit: 2, scope: 'family' }, { limit: 100, scope: 'session', tool: 'pay', argument: 'amount', window: 60 }]);
  call(verifier, chain);
  call(verifier, chain);
  assert.equal(denied('budget-exhausted', () => call(verifier, chain)).link, 0);
});

test('a sum counts its argument and nothing that is no amount', () => {
  const verifier = verifierFor(ana);
  const chain = issue({ budgets: [Budget.total(100, { tool: 'pay', argument: 'amount' })] });
  pay(verifier, chain, 60);
  denied('budget-exhausted', () => pay(verifier, chain, 41));
  for (const amount of [-1, 0.5, '1', true, null, [1], 2n ** 60n]) denied('argument-refused', () => pay(verifier, chain, amount));
  for (const amount of [NaN, -0, Infinity, 2 ** 53]) refused('value-unsupported', () => pay(verifier, chain, amount));
  pay(verifier, chain, 40n);
  denied('budget-exhausted', () => pay(verifier, chain, 1));
  call(verifier, chain);
});

test('CTX-06: of a thousand calls at once as many as the budget are allowed, also by a store elsewhere', async () => {
  for (const store of [new MemoryStore(), ownStore({ isAsync: true })]) {
    const verifier = verifierFor(ana, { store });
    const chain = issue({ budgets: [Budget.calls(10)] });
    const one = async () => verifier.authorizeAsync(planner.prove(chain, 'read', {}, AUDIENCE), 'read', {});
    const results = await Promise.allSettled(Array.from({ length: 1000 }, one));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 10);
    assert.ok(results.every((result) => result.status === 'fulfilled' || result.reason.code === 'budget-exhausted'));
  }
});

test('CTX-06: a refund gives back once, and never what the proof or another call took', async () => {
  for (const store of [new MemoryStore(), ownStore()]) {
    const verifier = verifierFor(ana, { store });
    const chain = issue({ budgets: [Budget.calls(2)] });
    const allowed = call(verifier, chain);
    call(verifier, chain);
    denied('budget-exhausted', () => call(verifier, chain));
    verifier.refund(allowed);
    verifier.refund(allowed);
    await verifier.refundAsync(allowed);
    call(verifier, chain);
    denied('budget-exhausted', () => call(verifier, chain));
    for (const wrong of [undefined, null, {}, allowed.record, Object.create(allowed), new Proxy(allowed, {}), structuredClone({ caller: 'x' })]) refused('config-invalid', () => verifier.refund(wrong));
  }
});

test('CTX-06: a refund is given once, also when the leaf has expired and the budget above it goes on', () => {
  for (const store of [new MemoryStore(), ownStore()]) {
    let ahead = 0;
    const verifier = verifierFor(ana, { store, clock: () => Date.now() + ahead });
    const chain = issue({ budgets: [Budget.calls(1)], ttl: '1h' });
    const first = call(verifier, planner.delegate(chain, { to: coder, ttl: 20 }), 'read', {}, coder);
    verifier.refund(first);
    call(verifier, chain);
    ahead = 21_000;
    verifier.refund(first);
    denied('budget-exhausted', () => call(verifier, chain));
    ahead = 3_700_000;
    const before = store.asked?.length;
    verifier.refund(first);
    assert.equal(store.asked?.length, before);
  }
});

test('a store that gives no good answer refunds and revokes nothing, and says so', async () => {
  const good = verifierFor(ana);
  const allowed = call(good, issue({ budgets: [Budget.calls(2)] }));
  for (const [answer, code] of [[undefined, 'store-unavailable'], ['committed', 'store-unavailable'], [['predates', 0], 'store-unavailable'], ['full', 'store-full'], [Promise.resolve(true), 'store-unavailable']]) {
    const verifier = verifierFor(ana, { store: { commit: () => answer } });
    refused(code, () => verifier.refund(allowed));
    refused(code, () => verifier.revokeKey(coder));
  }
  const failing = verifierFor(ana, { store: { commit: async () => { throw new Error('disk'); } } });
  await rejected('store-unavailable', failing.revokeTokenAsync(new Uint8Array(16)));
  await rejected('store-unavailable', failing.refundAsync(allowed));
  refused('store-unavailable', () => verifierFor(ana, { store: { commit: () => ['refused', 0] } }).revokeKey(coder));
  verifierFor(ana, { store: { commit: () => ['refused', 0] } }).refund(allowed);
});

test('a child that states more than its parent gets what is left of its parent\'s', () => {
  const verifier = verifierFor(ana);
  const parent = issue({ budgets: [Budget.calls(1)] });
  const child = planner.delegate(parent, { to: coder, budgets: [Budget.calls(1000)] });
  call(verifier, child, 'read', {}, coder);
  assert.equal(denied('budget-exhausted', () => call(verifier, child, 'read', {}, coder)).link, 0);
});

test('what is no budget is refused', () => {
  for (const limit of [0, -1, -0, 0.5, NaN, Infinity, 2 ** 53, '10', true, null, undefined, 10n, [10], { valueOf: () => 10 }]) refused('claim-invalid', () => Budget.calls(limit));
  for (const per of [0, -1, -0, NaN, '0s', '1 m', '31d', true, null, {}, 1n]) refused('claim-invalid', () => Budget.calls(1, { per }));
  for (const over of ['Family', 'all', '', null, 1]) refused('claim-invalid', () => Budget.calls(1, { over }));
  for (const tool of ['', '\ud800', 'a\n', 5, null]) refused('name-invalid', () => Budget.calls(1, { tool }));
  refused('claim-missing', () => Budget.total(1, { tool: 'pay' }));
  refused('claim-missing', () => Budget.total(1, { argument: 'amount' }));
  refused('config-invalid', () => Budget.calls(1, { argument: 'amount' }));
  refused('config-invalid', () => new Budget());
  for (const budgets of [5, {}, Budget.calls(1), [{ limit: 1, scope: 'family' }], [1], [null], [new Proxy(Budget.calls(1), {})], [Object.create(Budget.calls(1))]]) refused('claim-invalid', () => issue({ budgets }));
  refused('too-many', () => issue({ budgets: Array(9).fill(Budget.calls(1)) }));
  refused('claim-invalid', () => issue({ budgets: [Budget.calls(1)], audience: ['a', 'b'] }));
});

test('the three modes are calls of their own, and a principal is never guessed', () => {
  const verifier = verifierFor(new TrustAnchor('ana', ana.key, { mayImpersonate: true }), { principals: { ben: mallory } });
  const options = { tools: TOOLS, audience: AUDIENCE };
  const onBehalf = ana.issueOnBehalfOf('ben', { to: planner, ...options });
  assert.deepEqual([onBehalf.unverifiedClaims()[0].mode, call(verifier, onBehalf).onBehalfOf], ['on_behalf_of', 'ben']);
  const own = ana.issueOwnBehalf({ to: planner.key, name: 'planner', ...options });
  const [claims] = own.unverifiedClaims();
  assert.deepEqual([claims.mode, claims.subject, claims.holderName], ['own_behalf', 'planner', 'planner']);
  assert.equal(ana.issueOwnBehalf({ to: planner, ...options }).unverifiedClaims()[0].subject, 'planner');
  const asBen = ana.issueImpersonation('ben', { to: planner, ...options });
  denied('consent-missing', () => call(verifier, asBen));
  for (const subject of [undefined, null, '', 5, '\ud800', ['ben'], new String('ben')]) {
    refused('name-invalid', () => ana.issueOnBehalfOf(subject, { to: planner, ...options }));
    refused('name-invalid', () => ana.issueImpersonation(subject, { to: planner, ...options }));
  }
  refused('claim-missing', () => ana.issueOwnBehalf({ to: planner.key, ...options }));
  refused('claim-invalid', () => ana.issueOwnBehalf({ to: planner.key, name: 'a', holderName: 'b', ...options }));
  refused('claim-missing', () => ana.issueImpersonation('ben', { to: planner, tools: TOOLS }));
  refused('claim-missing', () => ana.issueImpersonation('ben', { to: planner.key, ...options }));
  refused('claim-missing', () => ana.issueOnBehalfOf('ben', { ...options }));
  for (const option of ['mode', 'subject']) refused('config-invalid', () => ana.issueOnBehalfOf('ben', { to: planner, [option]: 'own_behalf' }));
});

test('CTX-07: sessions are random, and carry their task', () => {
  const session = Session.open({ task: 'release 1.0' });
  assert.equal(new Set(Array.from({ length: 100 }, () => String(Session.open()))).size, 100);
  assert.deepEqual([session.id.length, session.task.length, Session.open().task], [16, 32, null]);
  assert.deepEqual(Session.open({ task: Buffer.from('release 1.0') }).task, session.task);
  const [claims] = issue({ session }).unverifiedClaims();
  assert.deepEqual([claims.session, claims.task], [String(session), hex(session.task)]);
  session.id.fill(0);
  assert.equal(issue({ session }).unverifiedClaims()[0].session, String(session));
  assert.equal(issue({ session: String(session) }).unverifiedClaims()[0].session, String(session));
  for (const wrong of ['', String(session).toUpperCase(), `${session} `, new Uint8Array(15), new Uint8Array(17), 5, null, {}]) refused('claim-invalid', () => issue({ session: wrong }));
  refused('claim-invalid', () => issue({ session, task: new Uint8Array(32) }));
  for (const task of ['\ud800', 5, null, []]) refused('claim-invalid', () => Session.open({ task }));
  refused('config-invalid', () => new Session());
});

test('CTX-01: after a session or task is closed nothing in it is allowed, in every verifier of the store', async () => {
  for (const store of [new MemoryStore(), ownStore()]) {
    const [here, there] = [verifierFor(ana, { store }), verifierFor(ana, { store })];
    const [first, second, third] = [Session.open({ task: 'a' }), Session.open({ task: 'b' }), Session.open()];
    const [one, two, three] = [first, second, third].map((session) => issue({ session }));
    here.closeSession('ana', first);
    denied('session-closed', () => call(there, one));
    await here.closeTaskAsync('ana', second);
    denied('task-closed', () => call(there, planner.delegate(two, { to: coder }), 'read', {}, coder));
    for (const close of [() => here.closeSession('bob', third), () => here.closeTask('Ana', new Uint8Array(32))]) refused('issuer-untrusted', close);
    await rejected('issuer-untrusted', here.closeSessionAsync('bob', third));
    assert.ok(call(there, three));
    here.closeSession(ana, String(third));
    denied('session-closed', () => call(there, three));
    for (const issuer of [undefined, null, 5, '\ud800']) refused('name-invalid', () => here.closeSession(issuer, third));
  }
});

test('REV-08: a revoked root, middle or leaf takes with it what is below, and nothing beside', async () => {
  for (const store of [new MemoryStore(), ownStore()]) {
    const verifier = verifierFor(ana, { store });
    const root = issue();
    const leaf = planner.delegate(root, { to: coder });
    const sibling = planner.delegate(root, { to: mallory });
    const ids = leaf.unverifiedClaims().map((claims) => claims.id);
    verifier.revokeToken(ids[1]);
    assert.equal(denied('token-revoked', () => call(verifier, leaf, 'read', {}, coder)).link, 1);
    assert.ok(call(verifier, sibling, 'read', {}, mallory));
    verifier.revokeKey(mallory);
    assert.equal(denied('key-revoked', () => call(verifier, sibling, 'read', {}, mallory)).link, 1);
    assert.ok(call(verifier, root));
    await verifier.revokeTokenAsync(Buffer.from(ids[0], 'hex'));
    assert.equal(denied('token-revoked', () => call(verifier, root)).link, 0);
  }
});

test('REV-09: an id has one spelling; another is refused and not a revocation of nothing', async () => {
  const verifier = verifierFor(ana);
  const id = issue().unverifiedClaims()[0].id;
  const long = new Uint8Array(32);
  for (const wrong of [id.toUpperCase(), `${id} `, ` ${id}`, `0x${id}`, id.slice(0, 30), `${id}00`, Buffer.from(id, 'hex').toString('base64url'), `token:${id}`, '', 'é'.repeat(32), new Uint8Array(15), long, new Uint16Array(8), [...Buffer.from(id, 'hex')], 5, true, null, undefined, { toString: () => id }, new String(id), new Proxy(new Uint8Array(16), {})]) {
    refused('claim-invalid', () => verifier.revokeToken(wrong));
    await rejected('claim-invalid', verifier.revokeTokenAsync(wrong));
    refused('claim-invalid', () => verifier.closeSession('ana', wrong));
    refused('claim-invalid', () => verifier.withdrawApproval(ana, wrong));
    if (wrong !== long) refused('claim-invalid', () => verifier.closeTask('ana', wrong));
  }
  for (const key of [undefined, null, ana.did, ana.key.bytes, {}, new Proxy(ana, {})]) refused('key-invalid', () => verifier.revokeKey(key));
});

test('CTX-02: a trust anchor gives no more than its bounds', () => {
  const bounded = (options) => verifierFor(new TrustAnchor('ana', ana.key, options));
  const chain = issue({ tools: { pay: { amount: between(1, 10) } }, ttl: '1h', maxDepth: 1 });
  assert.ok(bounded({ tools: { pay: { amount: between(1, 100) }, read: {} }, maxLifetime: '1h', maxDepth: 1 }).verifyChain(chain));
  for (const [bounds, about] of [[{ tools: { pay: { amount: between(1, 9) } } }, /pay/], [{ tools: {} }, /pay/], [{ maxLifetime: 3599 }, /lifetime/], [{ maxDepth: 0 }, /max_depth/]]) {
    const refusal = refused('anchor-exceeded', () => bounded(bounds).verifyChain(chain));
    assert.match(refusal.context, about);
    assert.equal(refusal.link, 0);
  }
  for (const [code, options] of [['claim-invalid', { tools: [] }], ['claim-invalid', { maxLifetime: '1x' }], ['claim-invalid', { maxLifetime: -0 }], ['config-invalid', { maxDepth: 256 }], ['config-invalid', { maxDepth: true }], ['config-invalid', { maxdepth: 1 }]]) refused(code, () => bounded(options));
});

test('CTX-02: what a tool touches is in the partition of the call, by whole segments', () => {
  const chain = issue({ context: 'tenant:1' });
  const allowed = verifierFor(ana).authorize(planner.prove(chain, 'read', {}, AUDIENCE), 'read', {}, { context: 'tenant:1/a' });
  for (const context of ['tenant:1', 'tenant:1/a', 'tenant:1/b/c']) allowed.checkContext(context);
  for (const context of ['tenant:10', 'tenant', 'tenant:1/../2', 'TENANT:1', '', '*', 'tenant:1/', 'tenant:1/e\u0301/..']) refused('context-mismatch', () => allowed.checkContext(context));
  for (const context of [undefined, null, 5, '\ud800', {}]) refused('context-mismatch', () => allowed.checkContext(context));
  refused('context-mismatch', () => call(verifierFor(ana), issue()).checkContext('tenant:1'));
});

test('a budget cannot be changed after it was made', () => {
  const budget = Budget.calls(1, { tool: 'read' });
  const budgets = [budget];
  const chain = issue({ budgets });
  budgets.push(Budget.calls(5));
  assert.throws(() => { budget.limit = 5; }, TypeError);
  assert.deepEqual([budget.limit, budget.tool, budget.argument, budget.window, budget.scope], [1, 'read', null, null, 'family']);
  assert.equal(chain.unverifiedClaims()[0].budgets.length, 1);
});
