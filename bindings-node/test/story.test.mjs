// The story end to end: ana gives, the planner narrows, the coder calls; and what is refused when it is made.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import util from 'node:util';
import * as deputize from 'deputize';
import { Agent, AuditLog, Chain, Constraint, TrustAnchor, allOf, anyOf, anything, atLeast, atMost, between, codes, contains, decodeTools, encodeTools, exact, inRange, notOneOf, oneOf, optional, path, subset, toolsSubsume } from 'deputize';
import { AUDIENCE, cast, chainFor, denied, folder, hex, refused, verifierFor } from '../support/helpers.mjs';

const REPO = { repo: ['acme/app', 'acme/web'], labels: subset('bug', 'docs'), draft: optional(true) };

test('an allowed call, from the first token to the line in the log', (t) => {
  const { ana, planner, coder } = cast();
  const file = join(folder(t), 'audit.jsonl');
  const log = new AuditLog(file);
  const root = ana.issue({ to: planner, tools: { 'github.update_pr': REPO }, ttl: '10m', reason: 'fix the login bug' });
  const chain = planner.delegate(root, { to: coder, tools: { 'github.update_pr': { repo: 'acme/app', labels: subset('bug') } }, ttl: 60 });
  const args = { repo: 'acme/app', labels: ['bug'] };
  const verifier = verifierFor(ana, { audit: log });
  const allowed = verifier.authorize(coder.prove(chain, 'github.update_pr', args, AUDIENCE).text, 'github.update_pr', args);
  assert.deepEqual([allowed.caller, allowed.onBehalfOf, allowed.tool, [...allowed.ignored]], ['coder', 'ana', 'github.update_pr', []]);
  assert.deepEqual({ ...allowed.arguments, labels: [...allowed.arguments.labels] }, args);
  assert.match(allowed.audit, /ALLOW coder called github\.update_pr for ana at https:\/\/tools\.acme\.example \(ana → planner → coder; session [0-9a-f]{8}\): fix the login bug$/);
  assert.deepEqual([allowed.chain.caller, allowed.chain.principal, allowed.chain.issuer, allowed.chain.claims.length, allowed.chain.expires], ['coder', 'ana', 'ana', 2, allowed.expires]);
  denied('argument-refused', () => verifier.authorize(coder.prove(chain, 'github.update_pr', { ...args, labels: ['docs'] }, AUDIENCE), 'github.update_pr', { ...args, labels: ['docs'] }));
  log.close();
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.pop(), '');
  assert.ok(lines[1].includes(`"record":${allowed.record.json()},`));
  const records = lines.map((line) => JSON.parse(line).record);
  assert.deepEqual(records.map((record) => record.code), [undefined, 'allowed', 'argument-refused']);
  assert.equal(records[1].arguments, undefined);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('the log keeps arguments only if asked, and appends to what is there', (t) => {
  const file = join(folder(t), 'audit.jsonl');
  new AuditLog(file).close();
  const { ana, coder, chain } = chainFor();
  const verifier = verifierFor(ana, { audit: new AuditLog(file, { arguments: true }) });
  const { record } = verifier.authorize(coder.prove(chain, 'deploy', { secret: 's3' }, AUDIENCE), 'deploy', { secret: 's3' });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines[1]).record.arguments, { secret: 's3' });
  assert.ok(!record.json().includes('s3') && record.json({ arguments: true }).includes('s3'));
  assert.deepEqual(JSON.parse(JSON.stringify(record)), JSON.parse(record.json()));
  assert.equal(util.inspect(record), `AuditRecord(${record.sentence})`);
  refused('audit-unavailable', () => new AuditLog(join(file, 'x')));
  refused('config-invalid', () => new AuditLog(file, { argument: true }));
});

test('chains and presentations keep their bytes and text', () => {
  const { coder, chain } = chainFor();
  for (const again of [Chain.decode(chain.bytes), Chain.fromText(chain.text), Chain.fromText(String(chain))]) assert.equal(hex(again.bytes), hex(chain.bytes));
  assert.deepEqual(chain.tokens.map((token) => token[0]), [0xd2, 0xd2]);
  const [root, leaf] = chain.unverifiedClaims();
  assert.deepEqual([root.issuer, root.subject, root.depth, root.maxDepth, root.mode, root.holderName, root.reason, leaf.depth, leaf.parent.length], ['ana', 'ana', 0, 3, 'on_behalf_of', 'planner', 'release 1.0', 1, 64]);
  assert.equal(leaf.holder.didKey, coder.did);
  const presentation = coder.prove(chain, 'deploy', {}, AUDIENCE);
  assert.equal(Buffer.from(presentation.bytes).toString('base64url'), presentation.text);
  for (const text of ['', 'A', 'AR', `${chain.text}=`, ` ${chain.text}`, `${chain.text}\n`, `\ufeff${chain.text}`, chain.text.replace(/[-_]/g, '+')]) assert.throws(() => Chain.fromText(text), (error) => ['text-malformed', 'malformed'].includes(error.code));
  refused('too-large', () => Chain.fromText('A'.repeat(1 << 24)));
  for (const bytes of [undefined, 'x', [1]]) refused('malformed', () => Chain.decode(bytes));
  assert.equal(JSON.stringify({ chain }), `{"chain":"${chain.text}"}`);
});

test('all options of a grant are in its claims', () => {
  const { ana, planner, coder, mallory } = cast();
  const bytes = (n, length) => new Uint8Array(length).fill(n);
  const root = ana.issue({
    to: planner.key, holderName: 'spiffe://acme/planner', tools: { deploy: { tag: oneOf('v1'), '*': anything() }, read: {} }, ttl: 7200, subject: 'bob', mode: 'on_behalf_of', session: bytes(1, 16), task: bytes(2, 32), audience: ['b', AUDIENCE, 'b'],
    maxDepth: 5, reason: 'why', context: 'tenant:1', notBefore: 1700000000, approvals: { deploy: [{ count: 1, approvers: [ana, mallory.key] }], read: { count: 1, approvers: [mallory] } }, evidence: bytes(3, 32),
  });
  const [claims] = root.unverifiedClaims();
  assert.deepEqual([claims.holderName, claims.subject, hex(bytes(1, 16)), claims.task, [...claims.audience], claims.maxDepth, claims.context, claims.notBefore, claims.evidence, claims.expires - claims.issued],
    ['spiffe://acme/planner', 'bob', claims.session, hex(bytes(2, 32)), ['b', AUDIENCE], 5, 'tenant:1', 1700000000, hex(bytes(3, 32)), 7200]);
  assert.deepEqual(claims.approvals.deploy[0].approvers.map(String).sort(), [ana.did, mallory.did].sort());
  assert.deepEqual(Object.keys(claims.tools).sort(), ['deploy', 'read']);
  const chain = planner.delegate(root, { to: coder, tools: claims.tools, audience: AUDIENCE, context: 'tenant:1/task:7' });
  assert.equal(chain.unverifiedClaims()[1].context, 'tenant:1/task:7');
  assert.equal(chain.unverifiedClaims()[1].approvals.read[0].count, 1);
  const impersonated = ana.issue({ to: planner, tools: { deploy: {} }, mode: 'impersonation', audience: AUDIENCE });
  assert.equal(verifierFor(new TrustAnchor('ana', ana.key, { mayImpersonate: true })).verifyChain(impersonated).claims[0].mode, 'impersonation');
  refused('impersonation-refused', () => verifierFor(ana).verifyChain(impersonated));
});

test('a ttl is seconds or a text', () => {
  const { ana, planner } = cast();
  const lives = (ttl) => { const [claims] = ana.issue({ to: planner, ttl }).unverifiedClaims(); return claims.expires - claims.issued; };
  assert.deepEqual(['90s', '10m', '1h', '7d', 5, undefined].map(lives), [90, 600, 3600, 604800, 5, 3600]);
  for (const ttl of ['', '10', '1.5h', '-1m', '1w', '1H', ' 1h', '01h', '31d', '999999999d', 0, -1, 1.5, NaN, Infinity, 2 ** 53, 10n, null, true, {}]) refused('claim-invalid', () => lives(ttl));
});

test('every rule of narrowing is checked when a token is made', () => {
  const { ana, planner, coder, mallory } = cast();
  const root = ana.issue({ to: planner, tools: { deploy: { n: between(1, 5) } }, ttl: '10m', audience: [AUDIENCE], context: 'a', maxDepth: 1 });
  const give = (options, chain = root, who = planner) => () => who.delegate(chain, { to: coder, ...options });
  refused('tool-not-granted', give({ tools: { other: {} } }));
  for (const rules of [{}, { n: between(0, 5) }, { n: 6 }, { n: optional(between(1, 5)) }, { n: 1, m: 1 }, { n: '1' }, { n: true }]) refused('not-provably-narrower', give({ tools: { deploy: rules } }));
  refused('lifetime-widened', give({ ttl: '11m' }));
  refused('audience-widened', give({ audience: 'https://elsewhere' }));
  refused('context-widened', give({ context: 'b' }));
  refused('depth-exceeded', give({ maxDepth: 2 }));
  refused('holder-mismatch', give({}, root, mallory));
  refused('holder-repeated', () => planner.delegate(root, { to: planner }));
  refused('holder-repeated', () => ana.issue({ to: ana }));
  refused('holder-is-approver', give({ approvals: { deploy: { count: 1, approvers: [coder] } } }));
  refused('depth-exceeded', () => coder.delegate(give({})(), { to: mallory }));
  refused('claim-missing', () => planner.delegate(root, {}));
  refused('claim-missing', () => planner.delegate(root));
  refused('holder-mismatch', () => mallory.prove(root, 'deploy', {}, AUDIENCE));
});

test('an option that is not known is refused, never ignored', () => {
  const { ana, planner, coder } = cast();
  const root = ana.issue({ to: planner });
  for (const run of [
    () => ana.issue({ to: planner, tool: {} }), () => ana.issue({ to: planner, max_depth: 1 }), () => planner.delegate(root, { to: coder, audiences: [] }), () => planner.delegate(root, { to: coder, subject: 'eve' }),
    () => coder.prove(root, 't', {}, 'a', { chalenge: new Uint8Array(8) }), () => new TrustAnchor('a', ana.key, { may_impersonate: true }), () => new TrustAnchor('a', ana.key, { mayImpersonate: 1 }), () => ana.issue('x'), () => ana.issue(null), () => ana.issue([]),
    () => verifierFor(ana, { replays: {} }), () => verifierFor(ana, { trusted: [] }), () => ana.issue({ to: planner, approvals: { t: { count: 1, approver: [coder] } } }),
  ]) refused('config-invalid', run);
  for (const [code, options] of [
    ['key-invalid', { to: 'coder' }], ['key-invalid', { to: {} }], ['claim-invalid', { maxDepth: -1 }], ['claim-invalid', { maxDepth: 16 }], ['claim-invalid', { maxDepth: 1.5 }], ['claim-invalid', { maxDepth: '1' }], ['claim-invalid', { maxDepth: NaN }], ['claim-invalid', { maxDepth: 2 ** 32 }],
    ['claim-invalid', { notBefore: -1 }], ['claim-invalid', { notBefore: 1764000000000 }], ['claim-invalid', { session: new Uint8Array(15) }], ['claim-invalid', { task: 'x' }], ['claim-invalid', { evidence: new Uint8Array(31) }], ['claim-invalid', { mode: 'as' }], ['claim-invalid', { reason: 5 }],
    ['claim-invalid', { reason: 'a\nb' }], ['claim-invalid', { context: '../x' }], ['name-invalid', { subject: '' }], ['name-invalid', { audience: [5] }], ['name-invalid', { audience: 'a\ud800' }], ['name-invalid', { holderName: '\u202e' }], ['claim-invalid', { tools: [] }], ['claim-invalid', { tools: new Map() }],
    ['claim-invalid', { tools: { t: null } }], ['name-invalid', { tools: { '': {} } }], ['claim-invalid', { tools: { t: { '*': optional(1) } } }], ['claim-invalid', { tools: { t: { a: { '': 1 } } } }], ['value-unsupported', { tools: { t: { a: undefined } } }], ['value-unsupported', { tools: { t: { a: [1, , 2] } } }],
    ['claim-invalid', { approvals: { t: { count: 2, approvers: [ana] } } }], ['claim-invalid', { approvals: { t: { count: 0, approvers: [ana] } } }], ['claim-invalid', { approvals: { t: { count: 1, approvers: ana } } }], ['too-many', { audience: Array.from({ length: 17 }, (_, n) => `a${n}`) }],
    ['claim-invalid', { mode: 'own_behalf' }], ['claim-invalid', { mode: 'impersonation' }],
  ]) refused(code, () => ana.issue({ to: planner, ...options }));
});

test('constraints accept, compare and come back from their bytes', () => {
  for (const [constraint, accepted, not] of [
    [anything(), [1, null, 'x', []], []], [exact(1), [1, 1n], [true, '1', 1.5, [1]]], [exact({ a: [1] }), [{ a: [1] }], [{ a: 1 }, {}]], [atLeast(2), [2, 2.5, 3n], [1, 1.5, '2', true]], [atMost(2n), [2, -1.5], [2.5, 3]], [between(1, 2), [1, 1.5, 2], [0, 2.5]],
    [inRange({ min: 1, max: 2, minOpen: true }), [1.5, 2], [1]], [inRange({ max: 2, maxOpen: true }), [1.5], [2]], [oneOf('a', 1), ['a', 1], ['b', true]], [oneOf(), [], [1, null]], [notOneOf('a'), ['b', null], ['a']], [contains('a'), [['a', 'b']], [['b'], 'a', []]], [subset('a', 'b'), [['a'], []], [['c'], 'a']],
    [allOf(atLeast(1), atMost(3)), [2], [0, 4]], [anyOf(exact('x'), atLeast(3)), ['x', 3], [1]], [path('/data'), ['/data', '/data/x'], ['/database', '/data/../etc', 'data', '/data/', '/data//x']],
  ]) {
    for (const value of accepted) assert.equal(constraint.accepts(value), true, `${util.inspect(constraint)} ${util.inspect(value)}`);
    for (const value of [...not, undefined, NaN, -0, new Date(), () => 1]) assert.equal(constraint.accepts(value), false, `${util.inspect(constraint)} ${util.inspect(value)}`);
    const again = Constraint.decode(constraint.encode());
    assert.ok(again instanceof Constraint && again.subsumes(constraint) && constraint.subsumes(again));
    assert.ok(anything().subsumes(constraint));
  }
  assert.ok(atLeast(1).subsumes(between(1, 5)) && !between(1, 5).subsumes(atLeast(1)));
  for (const run of [() => between(5, 1), () => between(null, 1), () => between(1), () => atLeast('1'), () => atLeast(null), () => inRange({ min: null }), () => inRange({ min: 1, max: 2, minOpen: 1 }), () => inRange(1, 2), () => notOneOf(), () => contains(), () => allOf(), () => anyOf(1), () => path('a'), () => path('/a/../b'), () => path(5), () => exact(1).subsumes(1)]) refused('constraint-invalid', run);
  for (const run of [() => exact(undefined), () => atLeast(NaN), () => oneOf(new Date()), () => exact(1e300), () => subset(exact(1))]) refused('value-unsupported', run);
  refused('constraint-unknown', () => Constraint.decode(new Uint8Array([0x81, 0x0a])));
  refused('malformed', () => Constraint.decode(new Uint8Array()));
  refused('not-canonical', () => Constraint.decode(new Uint8Array([0x81, 0x18, 0x00])));
  const many = Array.from({ length: 9 }).reduce((inner) => () => allOf(inner()), () => exact(1));
  refused('too-deep', many);
});

test('tools are encoded, decoded and compared', () => {
  const tools = { deploy: { tag: ['v1', 'v2'], n: optional(atLeast(1)), '*': anything() }, read: {} };
  assert.equal(hex(encodeTools(decodeTools(encodeTools(tools)))), hex(encodeTools(tools)));
  assert.equal(toolsSubsume(tools, { deploy: { tag: 'v1' } }), true);
  assert.equal(toolsSubsume(tools, { deploy: { tag: 'v3' } }), false);
  assert.equal(toolsSubsume(tools, { other: {} }), false);
  refused('malformed', () => decodeTools(new Uint8Array()));
});

test('the table of codes is whole, and the package exports no more than it says', () => {
  assert.ok(codes.length > 50 && codes.every((row) => row.code && row.family && row.summary && row.help));
  assert.ok(Object.isFrozen(codes) && Object.isFrozen(codes[0]));
  assert.ok(!Object.keys(deputize).some((name) => name === 'default' || /native|handle/i.test(name)));
  assert.ok(Agent.generate('x') instanceof Agent);
});
