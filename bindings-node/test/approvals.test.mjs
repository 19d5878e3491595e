// Approvals: requests, an approver's word, policies, who asks and how; APP-01, 03 to 06, 08 to 12, 14 to 16, 19.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Actor, Agent, Approval, ApprovalPolicy, ApprovalRequest, Approver, MemoryStore, RevocationList, TrustState, rotate } from 'deputize';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { DENIAL_KEY, guard, signCalls } from 'deputize/mcp';
import { AUDIENCE, cast, denied, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const [ben, cleo] = [Agent.generate('ben'), Agent.generate('cleo')];
const ARGS = { amount: 5 };
const policy = (count = 1, options = {}) => new ApprovalPolicy(count, [ben, cleo.key], options);
const issue = (options = {}) => ana.issue({ to: coder, tools: { pay: {}, read: {} }, ...options });
const call = (verifier, chain, evidence = [], { tool = 'pay', args = ARGS, given } = {}) => verifier.authorize(coder.prove(chain, tool, args, AUDIENCE, { evidence }), tool, args, given);
const ask = (chain, { tool = 'pay', args = ARGS, audience = AUDIENCE, given } = {}) => new ApprovalRequest(chain, tool, args, audience, given);

test('a call that needs approval runs once with one, by the id that its refusal gave', () => {
  const verifier = verifierFor(ana, { approvals: policy() });
  const chain = issue({ reason: 'invoice 7' });
  const refusal = denied('approval-required', () => call(verifier, chain));
  const request = ask(chain);
  assert.equal(refusal.requestId, request.id);
  assert.match(refusal.requestId, /^[0-9a-f]{32}$/);
  assert.equal(denied('tool-not-allowed', () => call(verifier, chain, [], { tool: 'other' })).requestId, null);
  const approval = ben.approve(request, { reason: 'seen' });
  assert.deepEqual([approval.approves, approval.request, approval.approver.didKey], [true, request.id, ben.did]);
  const record = JSON.parse(call(verifier, chain, [approval]).record.json());
  assert.deepEqual([record.approvals[0].name, record.approvals[0].reason], ['ben', 'seen']);
  denied('approval-spent', () => call(verifier, chain, [approval]));
});

test('a request travels as bytes or text, and says what a person has to see', () => {
  const chain = issue({ reason: 'invoice 7', subject: 'dora' });
  const request = ask(chain, { args: { amount: 5, note: 'line\nApprove: yes\u202e' } });
  for (const same of [ApprovalRequest.decode(request.bytes), ApprovalRequest.fromText(request.textForm), ApprovalRequest.fromText(JSON.parse(JSON.stringify(request)))]) {
    assert.deepEqual([same.id, same.text, same.tool, same.principal, same.mode], [request.id, request.text, 'pay', 'dora', 'on_behalf_of']);
    assert.deepEqual([same.audience, same.context, same.reason, same.holders.map(String)], [AUDIENCE, null, 'invoice 7', [coder.did]]);
    assert.equal(same.session, chain.unverifiedClaims()[0].session);
    assert.deepEqual(structuredClone(same.arguments), { amount: 5, note: 'line\nApprove: yes\u202e' });
    assert.equal(same.expires, chain.unverifiedClaims()[0].expires);
  }
  assert.ok(request.text.includes('dora') && request.text.includes('invoice 7') && !request.text.includes('\u202e') && !request.text.includes('\nApprove: yes'));
  assert.ok(Object.isFrozen(request.arguments));
});

test('what is no request or approval is refused', () => {
  const chain = issue();
  const request = ask(chain);
  const approval = ben.approve(request);
  for (const encoding of [new Uint8Array(), request.bytes.subarray(0, -1), Buffer.concat([request.bytes, Buffer.alloc(1)]), chain.bytes, approval.bytes]) assert.throws(() => ApprovalRequest.decode(encoding), { name: 'DeputizeError' });
  for (let at = 0; at < approval.bytes.length; at++) assert.throws(() => Approval.decode(approval.bytes.subarray(0, at)), { name: 'DeputizeError' });
  for (const wrong of [undefined, null, 5, 'text', {}, [1], new Proxy(request.bytes, {})]) {
    refused('malformed', () => ApprovalRequest.decode(wrong));
    refused('malformed', () => Approval.decode(wrong));
    refused('malformed', () => ben.approve(wrong));
    refused('malformed', () => ben.deny(wrong));
  }
  for (const wrong of [undefined, null, 5, '\ud800', {}]) refused('text-malformed', () => Approval.fromText(wrong));
  for (const odd of [new Proxy(request, {}), Object.create(request), structuredClone({ ...request })]) refused('malformed', () => ben.approve(odd));
  for (const tool of ['', '\ud800', 5, null]) refused('name-invalid', () => ask(chain, { tool }));
  for (const context of ['', '/', 'a/../b', '*', null, 5, '\ud800']) refused('claim-invalid', () => ask(chain, { given: { context } }));
  for (const args of [{ a: NaN }, { a: -0 }, { a: '\ud800' }, { get a() { return 1; } }, new Proxy({}, {}), [1], null]) refused('value-unsupported', () => ask(chain, { args }));
  for (const ttl of [0, -1, -0, 3601, '2h', NaN, true, null]) refused('claim-invalid', () => ben.approve(request, { ttl }));
  for (const reason of ['\ud800', 'a\n', 5, null, 'x'.repeat(1025)]) refused('claim-invalid', () => ben.approve(request, { reason }));
  refused('config-invalid', () => new Approval());
});

test('APP-01, APP-03: approvals are by distinct keys that were named, and by no holder', () => {
  const verifier = verifierFor(ana, { approvals: policy(2) });
  const chain = issue();
  const request = ask(chain);
  denied('approval-required', () => call(verifier, chain, [ben.approve(request), ben.approve(request)]));
  denied('approver-refused', () => call(verifier, chain, [ben.approve(request), mallory.approve(request)]));
  refused('approver-refused', () => coder.approve(request));
  assert.ok(call(verifier, chain, [ben.approve(request), cleo.approve(request)]));
  refused('holder-is-approver', () => issue({ approvals: { pay: { count: 1, approvers: [coder] } } }));
});

test('APP-04: a policy that cannot be met is none', () => {
  for (const [count, approvers] of [[0, [ben]], [3, [ben, cleo]], [1, []], [2, [ben, ben.key]], [256, [ben]], [2 ** 32, [ben]], [true, [ben]], ['1', [ben]], [-0, [ben]], [NaN, [ben]], [1.5, [ben]], [1, 'ben'], [1, null], [1, Array(17).fill().map((_, at) => Agent.generate(`a${at}`))]]) {
    refused('config-invalid', () => new ApprovalPolicy(count, approvers));
    refused('config-invalid', () => policy(1, { require: { pay: { count, approvers } } }));
  }
  refused('key-invalid', () => new ApprovalPolicy(1, [ben.did]));
  for (const options of [{ harmless: 'read' }, { harmless: [5] }, { harmless: [''] }, { harmless: null }, { require: null }, { require: [] }, { require: { pay: [] } }, { harmless: ['pay'], require: { pay: [] } }, { require: { pay: [[]] } }, { require: { pay: null } }, { byAnnotation: 1 }, { byAnnotation: null }, { destructive: [] }, { harmless: ['pay'], require: { pay: { count: 1, approvers: [ben] } } }]) refused('config-invalid', () => policy(1, options));
  for (const required of [[], { count: 1, approvers: [] }]) refused('claim-invalid', () => issue({ approvals: { pay: required } }));
  for (const approvals of [null, {}, [policy()], new Proxy(policy(), {})]) refused('config-invalid', () => verifierFor(ana, { approvals }));
});

test('a policy lists tools, and takes the server\'s own word where it is told to', () => {
  const chain = issue();
  const listed = verifierFor(ana, { approvals: policy(1, { harmless: ['read'], require: { pay: [{ count: 1, approvers: [ben] }, { count: 1, approvers: [cleo] }] } }) });
  const read = { tool: 'read', args: {} };
  assert.ok(call(listed, chain, [], read));
  denied('approval-required', () => call(listed, chain, [ben.approve(ask(chain))]));
  assert.ok(call(listed, chain, [ben.approve(ask(chain)), cleo.approve(ask(chain))]));
  const annotated = verifierFor(ana, { approvals: policy(1, { byAnnotation: true }) });
  for (const hint of ['read_only', 'additive']) assert.ok(call(annotated, chain, [], { ...read, given: { hint } }));
  for (const given of [{}, { hint: 'destructive' }]) denied('approval-required', () => call(annotated, chain, [], { ...read, given }));
  for (const hint of ['readOnly', '', null, true, {}, '\ud800']) denied('config-invalid', () => call(annotated, chain, [], { ...read, given: { hint } }));
  denied('approval-required', () => call(verifierFor(ana, { approvals: policy() }), chain, [], { ...read, given: { hint: 'read_only' } }));
});

test('APP-05, APP-11, APP-12: an approval is for one token, tool, arguments, audience, session and context', () => {
  const verifier = verifierFor(ana, { approvals: policy() });
  const chain = issue();
  for (const other of [ask(chain, { args: { amount: 6 } }), ask(chain, { tool: 'read' }), ask(chain, { audience: `${AUDIENCE}/` }), ask(chain, { given: { context: 'tenant:1' } }), ask(issue())]) {
    denied('approval-mismatch', () => call(verifier, chain, [ben.approve(other)]));
    denied('approval-mismatch', () => call(verifier, chain, [ben.approve(ask(chain)), cleo.approve(other)]));
  }
  const delegated = issue({ to: planner });
  const leaf = planner.delegate(delegated, { to: coder });
  const before = ben.approve(ask(delegated));
  denied('approval-mismatch', () => call(verifier, leaf, [before]));
});

test('APP-06: of many identical calls with one approval, one runs', async () => {
  const seen = new Set();
  const own = { async commit(operations) { const claims = operations.filter(([name]) => name === 'claim').map(([, key]) => key.toString()); const at = operations.findIndex(([name, key]) => name === 'claim' && seen.has(key.toString())); if (at >= 0) return ['refused', at]; claims.forEach((key) => seen.add(key)); return true; } };
  for (const store of [new MemoryStore(), own]) {
    const verifier = verifierFor(ana, { approvals: policy(), store });
    const chain = issue();
    const fresh = ben.approve(ask(chain));
    const results = await Promise.allSettled(Array.from({ length: 32 }, async () => verifier.authorizeAsync(coder.prove(chain, 'pay', ARGS, AUDIENCE, { evidence: [fresh] }), 'pay', ARGS)));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.ok(results.every((result) => result.status === 'fulfilled' || result.reason.code === 'approval-spent'));
  }
});

test('APP-09, APP-10: one bad entry spoils all, and too many are refused by their number', () => {
  const verifier = verifierFor(ana, { approvals: policy() });
  const chain = issue();
  const good = ben.approve(ask(chain));
  for (const bad of [new Uint8Array(), new Uint8Array([0]), good.bytes.subarray(0, -1), chain.tokens[0]]) assert.throws(() => call(verifier, chain, [good, bad]), { name: 'Denied' });
  const flipped = good.bytes;
  flipped[flipped.length - 1] ^= 1;
  denied('approval-invalid', () => call(verifier, chain, [flipped]));
  const presentation = coder.prove(chain, 'pay', ARGS, AUDIENCE);
  for (const many of [Array(65).fill(good), Array(100_000).fill(good)]) {
    refused('too-many', () => coder.prove(chain, 'pay', ARGS, AUDIENCE, { evidence: many }));
    refused('too-many', () => presentation.attach(...many));
  }
  for (const evidence of [5, 'x', null, {}, good, new Set([good]), [5], [null], [good.text], [chain], [{ bytes: good.bytes }], [new Proxy(good, {})], [Object.create(good)]]) refused('malformed', () => coder.prove(chain, 'pay', ARGS, AUDIENCE, { evidence }));
  assert.ok(verifier.authorize(presentation.attach(good).text, 'pay', ARGS));
  assert.deepEqual(presentation.attach().bytes, presentation.bytes);
});

/** A store of the program's own that remembers marks and claims. */
function ownStore() {
  const marks = new Set();
  return {
    commit(operations) {
      const at = operations.findIndex(([name, key]) => name !== 'mark' && marks.has(key.toString()));
      if (at >= 0) return ['refused', at];
      for (const [name, key] of operations) if (name === 'mark' || name === 'claim') marks.add(key.toString());
      return true;
    },
  };
}

test('APP-14, APP-15: a no stands, wherever it is shown, and an approval can be taken back', async () => {
  const own = ownStore();
  for (const store of [new MemoryStore(), own, { commit: async (...asked) => own.commit(...asked) }]) {
    const verifier = verifierFor(ana, { approvals: policy(), store });
    const callAsync = async (chain, evidence) => verifier.authorizeAsync(coder.prove(chain, 'pay', ARGS, AUDIENCE, { evidence }), 'pay', ARGS);
    const chain = issue();
    const [yes, no] = [ben.approve(ask(chain)), cleo.deny(ask(chain), { reason: 'not mine' })];
    assert.equal(no.approves, false);
    for (const evidence of [[no, yes], [yes, no], [no]]) await rejected('approval-denied', callAsync(chain, evidence));
    await rejected('approval-denied', callAsync(chain, [yes]));
    const other = issue();
    const approval = ben.approve(ask(other));
    await verifier.withdrawApprovalAsync(ben, store === own ? approval.id : approval);
    await rejected('approval-withdrawn', callAsync(other, [approval]));
    assert.ok(await callAsync(other, [cleo.approve(ask(other))]));
  }
});

test('APP-08, APP-14: a no by a key that was revoked, or that was taken back, blocks nothing', async () => {
  for (const store of [new MemoryStore(), ownStore()]) {
    const verifier = verifierFor(ana, { approvals: policy(), store });
    const [first, second] = [issue(), issue()];
    const no = ben.deny(ask(first));
    verifier.withdrawApproval(ben, no.id);
    denied('approval-denied', () => call(verifier, first, [no]));
    call(verifier, first, [cleo.approve(ask(first))]);
    verifier.revokeKey(ben);
    denied('approval-denied', () => call(verifier, second, [ben.deny(ask(second))]));
    call(verifier, second, [cleo.approve(ask(second))]);
  }
});

test('APP-01, APP-08: an approver follows its rotations, and an old key and a new one are one approver', () => {
  const state = new TrustState([ana]);
  state.applyList(new RevocationList(1).sign(ana, { ttl: '1h' }));
  const verifier = verifierFor(ana, { approvals: policy(2), state });
  const [anew, chain] = [Agent.generate('ben'), issue()];
  const [old, fresh, other] = [ben, anew, cleo].map((agent) => agent.approve(ask(chain)));
  denied('approver-refused', () => call(verifier, chain, [fresh, other]));
  state.applyRotation(rotate(ben, anew, { overlap: '1h' }));
  denied('approval-required', () => call(verifier, chain, [old, fresh]));
  call(verifier, chain, [fresh, other]);
});

test('a no that a store does not take is a no all the same', () => {
  const chain = issue();
  for (const commit of [() => { throw new Error('disk'); }, async () => { throw new Error('disk'); }, () => 'full', () => undefined]) {
    denied('approval-denied', () => call(verifierFor(ana, { approvals: policy(), store: { commit } }), chain, [ben.deny(ask(chain))]));
  }
});

test('APP-08: what a revoked approver signed before is no approval', () => {
  const verifier = verifierFor(ana, { approvals: policy() });
  const chain = issue();
  const approval = ben.approve(ask(chain));
  verifier.revokeKey(ben);
  denied('key-revoked', () => call(verifier, chain, [approval]));
});

test('APP-19: only true approves and only false denies; anything else signs nothing, in bounded time', async (t) => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const request = ask(issue());
  const decide = (answer, options = {}) => new Approver(ben, { ask: typeof answer === 'function' ? answer : () => answer, timeoutMs: 50, ...options }).decide(request);
  assert.equal((await decide(true)).approves, true);
  assert.equal((await decide(async () => false)).approves, false);
  for (const answer of ['yes', 'no', 'true', 1, 0, '', null, undefined, [0], [true], {}, new Boolean(true), new Boolean(false), 1n, Symbol('x'), () => () => true, { then: 5 }, { valueOf: () => true }, ben.approve(request), new Proxy({}, { get: () => true })]) await rejected('approval-required', decide(answer));
  for (const asked of [() => { throw new Error('secret'); }, () => { throw true; }, async () => { throw true; }, () => ({ then() { throw new Error('odd'); } }), () => ({ get then() { throw new Error('odd'); } })]) {
    const refusal = await rejected('approval-required', decide(asked));
    assert.ok(!inspect(refusal, { depth: 5 }).includes('secret'));
  }
  const start = performance.now();
  for (const asked of [() => new Promise(() => {}), () => ({ then() {} }), () => new Promise((resolve) => { setTimeout(resolve, 200, true); }), () => new Promise((_, reject) => { setTimeout(reject, 100, new Error('late')); })]) await rejected('approval-required', decide(asked));
  assert.ok(performance.now() - start < 2000);
  await rejected('approval-required', decide(() => { const end = performance.now() + 80; while (performance.now() < end); return true; }));
  await new Promise((resolve) => { setTimeout(resolve, 250); });
  assert.deepEqual(unhandled, []);
});

test('an approver is configured whole or not at all, and keeps its key to itself', async () => {
  for (const timeoutMs of [0, -1, NaN, Infinity, '5', true, null, 3_600_001]) refused('config-invalid', () => new Approver(ben, { timeoutMs }));
  for (const asked of [null, true, 'x', {}]) refused('config-invalid', () => new Approver(ben, { ask: asked }));
  for (const agent of [undefined, null, ben.key, {}, new Proxy(ben, {})]) refused('key-invalid', () => new Approver(agent));
  refused('claim-invalid', () => new Approver(ben, { ttl: 'x' }));
  const approver = new Approver(ben, { ask: () => true, ttl: '1m' });
  for (const request of [undefined, {}, ask(issue()).bytes]) await rejected('malformed', approver.decide(request));
  for (const shown of [inspect(approver, { depth: 9, showHidden: true }), JSON.stringify(approver), JSON.stringify(structuredClone(approver))]) assert.ok(!shown.includes(Buffer.from(ana.key.bytes).toString('hex')) && !/seed|handle/.test(shown));
  refused('malformed', () => ben.approve(structuredClone(ask(issue()))));
});

const AT_TERMINAL = `
  const { Agent, ApprovalRequest, Approver } = require('deputize');
  const [ana, ben, coder] = ['ana', 'ben', 'coder'].map((name) => Agent.generate(name));
  const request = new ApprovalRequest(ana.issue({ to: coder, tools: { pay: {} } }), 'pay', { amount: 5 }, 'a');
  new Approver(ben, { timeoutMs: 3000 }).decide(request).then((approval) => console.log('signed ' + approval.approves), (error) => console.log(error.code + ' ' + error.context));
`;

test('without a terminal nobody is asked, and what is piped in is no answer', { skip: process.platform === 'win32' }, () => {
  const cwd = new URL('..', import.meta.url);
  const alone = "process.exit(require('node:child_process').spawnSync(process.execPath, ['-e', process.env.CODE], { detached: true, input: 'yes\\n', stdio: ['pipe', 'inherit', 'inherit'] }).status)";
  const done = spawnSync(process.execPath, ['-e', alone], { cwd, encoding: 'utf8', env: { ...process.env, CODE: AT_TERMINAL } });
  assert.match(done.stdout, /^approval-required the approver gave no answer `at a terminal`/);
});

const python = spawnSync('python3', ['-c', 'import pty'], { encoding: 'utf8' });
const TYPIST = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:3] + [os.environ['CODE']])
if os.environ.get('EARLY'):
    os.write(terminal, os.environ['EARLY'].encode())
seen = b''
typed = False
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if not typed and b'yes or no: ' in seen:
        typed = True
        os.write(terminal, os.environ['TYPED'].encode())
sys.stdout.write(seen.decode())
`;

test('at a terminal yes approves, no denies, and nothing else does either', { skip: process.platform === 'win32' || python.status !== 0 }, () => {
  const cwd = new URL('..', import.meta.url);
  for (const [typed, expected, early] of [['yes\n', 'signed true'], ['no\n', 'signed false'], ['y\n', 'approval-required'], ['YES\n', 'approval-required'], ['\n', 'approval-required'], [`${'x'.repeat(100)}\n`, 'approval-required'], ['no\n', 'signed false', 'yes\n']]) {
    const done = spawnSync('python3', ['-c', TYPIST, process.execPath, '-e'], { cwd, encoding: 'utf8', env: { ...process.env, CODE: AT_TERMINAL, TYPED: typed, EARLY: early ?? '' } });
    assert.ok(done.stdout.includes(expected), `${JSON.stringify(typed)}\n${done.stdout}\n${done.stderr}`);
    assert.match(done.stdout, /pay/);
  }
});

test('at a terminal a person sees what is signed, whatever a class says its text is', { skip: process.platform === 'win32' || python.status !== 0 }, () => {
  const cwd = new URL('..', import.meta.url);
  const lying = "class Lying extends ApprovalRequest { get text() { return 'read nothing'; } toString() { return 'read nothing'; } }";
  const code = AT_TERMINAL.replace('new ApprovalRequest(', `${lying}\n  const request = new Lying(`).replace(/const request = class/, 'class');
  const done = spawnSync('python3', ['-c', TYPIST, process.execPath, '-e'], { cwd, encoding: 'utf8', env: { ...process.env, CODE: code, TYPED: 'yes\n', EARLY: '' } });
  assert.ok(code.includes('new Lying(') && done.stdout.includes('signed true'), `${done.stdout}\n${done.stderr}`);
  assert.match(done.stdout, /pay/);
  assert.doesNotMatch(done.stdout, /read nothing/);
});

test('MCP: the server\'s own word counts, a refusal names its request, and a client attaches what came of it', async () => {
  const server = new McpServer({ name: 'bank', version: '1.0.0' });
  const content = () => ({ content: [{ type: 'text', text: 'done' }] });
  server.registerTool('pay', { annotations: { readOnlyHint: true, destructiveHint: true } }, content);
  server.registerTool('read', { annotations: { readOnlyHint: true } }, content);
  guard(server, verifierFor(ana, { approvals: policy(1, { byAnnotation: true }) }));
  const chain = issue();
  const approvals = [];
  const client = signCalls(new Client({ name: 'coder', version: '1.0.0' }), new Actor(coder, chain, { evidence: async (tool) => (tool === 'pay' ? approvals : undefined) }), AUDIENCE);
  const [there, here] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(there), client.connect(here)]);
  assert.equal((await client.callTool({ name: 'read' })).content[0].text, 'done');
  const refusal = await client.callTool({ name: 'pay', annotations: { readOnlyHint: true }, _meta: { hint: 'read_only' } });
  const about = refusal._meta[DENIAL_KEY];
  const request = ask(chain, { args: {} });
  assert.deepEqual([about.code, about.request_id], ['approval-required', request.id]);
  approvals.push(ben.approve(request));
  assert.equal((await client.callTool({ name: 'pay' })).content[0].text, 'done');
  assert.equal((await client.callTool({ name: 'pay' }))._meta[DENIAL_KEY].code, 'approval-spent');
  refused('malformed', () => signCalls(new Client({ name: 'x', version: '1' }), new Actor(coder, chain, { evidence: 'x' }), AUDIENCE));
  await client.close();
});
