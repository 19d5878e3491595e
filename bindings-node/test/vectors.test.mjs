// Every vector of tests/vectors through the npm package: an unknown file, an unexpected success or a wrong code fails.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  Approval, ApprovalPolicy, ApprovalRequest, Authority, Checkpoint, CheckpointPolicy, Consent, Constraint, Denied, DeputizeError, IdentityPolicy, IdentityRule, Inbox, LogCheck, NoteKey, SigningKey, TrustAnchor,
  TrustState, Verifier, VerifyingKey, argumentsDigest, codes, decodeValue, encodeValue, joinContexts, optional, valueFromJson, valueToJson, verifyReceipt,
} from 'deputize';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'tests', 'vectors');
const tables = ['accepts', 'arguments', 'codes', 'constraints', 'contexts', 'export', 'keys', 'log', 'narrow', 'narrower', 'objects', 'updates', 'values'];
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (data) => Buffer.from(data).toString('hex');
const load = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

function cases(name, least) {
  const table = load(`${name}.json`);
  assert.equal(table.kind, name);
  assert.ok(table.cases.length >= least);
  return table.cases;
}

function codeOf(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DeputizeError, String(error));
    return error.code;
  }
  return undefined;
}

test('every file of the folder is known', () => {
  assert.deepEqual(readdirSync(folder).sort(), ['README.md', 'decisions', ...tables.map((name) => `${name}.json`)].sort());
  assert.ok(readdirSync(join(folder, 'decisions')).length >= 400);
});

const keyOf = (text) => VerifyingKey.fromBytes(bytes(text));
const namedKeys = (entries) => entries.map((one) => [one.name, keyOf(one.key)]);
const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
const given = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));

function boundOf(bound) {
  const constraint = Constraint.decode(bytes(bound.constraint));
  return bound.optional ? optional(constraint) : constraint;
}

function anchorOf(one) {
  const { tools, max_lifetime: maxLifetime, max_depth: maxDepth } = one.bounds ?? {};
  const bounded = tools && mapped(tools, (args) => mapped(args, boundOf));
  return new TrustAnchor(one.name, keyOf(one.key), given({ mayImpersonate: one.may_impersonate, tools: bounded, maxLifetime, maxDepth }));
}

const required = ({ count, approvers }) => ({ count, approvers: approvers.map(keyOf) });

function approvalsOf({ unlisted, harmless = [], listed = {}, by_annotation: byAnnotation = false }) {
  const { count, approvers } = required(unlisted);
  return new ApprovalPolicy(count, approvers, { harmless, require: mapped(listed, required), byAnnotation });
}

function identitiesOf({ authorities, rules = [] }) {
  const made = rules.map(({ on, kind, environment, attributes, attestors }) => new IdentityRule(on, given({ kind, environment, attributes, attestors })));
  return new IdentityPolicy(namedKeys(authorities), made);
}

// A state that took every update, each with the outcome that is described.
function stateOf({ authorities, updates = [] }, time) {
  const made = authorities.map((one) => new Authority(one.name, keyOf(one.key), {
    forEveryIssuer: one.for_every_issuer ?? false, dangerAllowStale: one.allow_stale ?? false,
  }));
  const state = new TrustState(made, { clock: () => time.now });
  for (const update of updates) {
    time.now = update.now_ms;
    let outcome;
    try {
      outcome = update.what === 'list' ? state.applyList(bytes(update.hex)) : state.applyRotation(bytes(update.hex));
    } catch (error) {
      outcome = error.code;
    }
    assert.equal(outcome, update.outcome);
  }
  return state;
}

// The verifier of a configuration.
function verifierOf(config, time, store) {
  const state = config.trust && stateOf(config.trust, time);
  time.now = config.store_created_ms;
  return new Verifier(given({
    trust: config.anchors.map(anchorOf),
    audience: config.audience,
    store,
    clock: () => time.now,
    identities: config.identities && identitiesOf(config.identities),
    approvals: config.approvals && approvalsOf(config.approvals),
    principals: config.principals && Object.fromEntries(namedKeys(config.principals)),
    state,
  }));
}

function revoke(verifier, { what, id, issuer, approver }) {
  if (what === 'token') verifier.revokeToken(bytes(id));
  else if (what === 'key') verifier.revokeKey(keyOf(id));
  else if (what === 'session') verifier.closeSession(issuer, bytes(id));
  else if (what === 'task') verifier.closeTask(issuer, bytes(id));
  else if (what === 'approval') verifier.withdrawApproval(keyOf(approver), bytes(id));
  else assert.fail(what);
}

function decide(verifier, request) {
  const args = valueFromJson(JSON.stringify(request.arguments));
  const challenge = request.challenge === undefined ? undefined : bytes(request.challenge);
  try {
    return { record: verifier.authorize(request.presentation, request.tool, args, given({ challenge, context: request.context, hint: request.hint })).record };
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return error;
  }
}

const numbers = { absent: ['since_ms'], claim: ['expires', 'since_ms'], spend: ['amount', 'limit', 'expires', 'since_ms'] };
const members = ([name, key, ...values]) => ({ name, key: hex(key), ...Object.fromEntries(numbers[name].map((member, at) => [member, Number(values[at])])) });

for (const file of readdirSync(join(folder, 'decisions')).sort()) {
  const vector = load(join('decisions', file));
  const { kind, verifier: config, now_ms: nowMs, request, presented_before: presented, before = [], expected, why } = vector;
  const revoked = config.revoked ?? [];
  test(`decision ${file}`, () => {
    assert.equal(kind, 'decision');
    const time = { now: 0 };
    const verifier = verifierOf(config, time);
    for (const mark of revoked) revoke(verifier, mark);
    for (const earlier of before) {
      time.now = earlier.now_ms;
      assert.equal(decide(verifier, earlier.request).code, earlier.code);
    }
    time.now = nowMs;
    if (presented) decide(verifier, request);
    const { code, link, record } = decide(verifier, request);
    assert.equal(code, expected.code, why);
    assert.equal(link ?? undefined, expected.link, why);
    assert.equal(code === undefined ? 'allow' : 'deny', expected.decision);
    assert.equal(record.json({ arguments: true }), expected.record);
    assert.equal(record.sentence, expected.sentence);
    assert.equal(decide(verifier, request).code, code ?? 'proof-replayed');
  });
  if (revoked.length > 0 || expected.operations !== undefined) {
    test(`what the store is asked, ${file}`, () => {
      const [time, asked] = [{ now: 0 }, []];
      const verifier = verifierOf(config, time, { commit(operations) { asked.push(operations); return true; } });
      for (const mark of revoked) revoke(verifier, mark);
      assert.deepEqual(asked.map(([[name, key]]) => [name, hex(key)]), revoked.map((mark) => ['mark', mark.store_key]));
      if (expected.operations === undefined) return;
      time.now = nowMs;
      decide(verifier, request);
      assert.deepEqual(asked.at(-1).map(members), expected.operations);
    });
  }
}

function readObject(kind, data, setting) {
  const time = { now: setting.now_ms };
  const clock = () => time.now;
  if (kind === 'approval') {
    const { approves, id, approver, expires, request, bytes: same } = Approval.decode(data);
    assert.equal(hex(same), hex(data));
    return { approves, id, approver: hex(approver.bytes), expires, request };
  }
  if (kind === 'consent') {
    assert.equal(hex(Consent.decode(data).bytes), hex(data));
    return {};
  }
  if (kind === 'request') {
    const { id, text } = ApprovalRequest.decode(data);
    return { id, text };
  }
  if (kind === 'identity') {
    const identity = new IdentityPolicy(namedKeys([setting.identity_authority])).verify(data, { clock });
    const { authority, name, key, id, issued, expires, kind: what, state, attributes, environment, attestor, evidence } = identity;
    const plain = { authority, name, key: hex(key.bytes), id, issued, expires, kind: what, state, attributes: { ...attributes } };
    return { ...plain, ...given({ environment, attestor, evidence }) };
  }
  if (kind === 'message') {
    time.now = setting.began_ms;
    const inbox = new Inbox(setting.recipient, { know: [keyOf(setting.sender)], clock });
    time.now = setting.now_ms;
    const { id, session, sequence, sender, token } = inbox.receive(data, bytes(setting.payload));
    return { id, session, sequence, sender: hex(sender.bytes), ...given({ token }) };
  }
  const state = stateOf({ authorities: [setting.revocation_authority] }, time);
  if (kind === 'rotation') {
    assert.equal(state.applyRotation(data), 'accepted');
    return {};
  }
  assert.equal(kind, 'list');
  state.applyList(data);
  const { sequence, nextUpdate, ids } = state.held('ana');
  return { sequence, next_update: nextUpdate, ids };
}

test('signed objects', () => {
  const setting = load('objects.json');
  assert.ok(setting.cases.length >= 280);
  for (const one of setting.cases) {
    let claims;
    const code = codeOf(() => { claims = readObject(one.object, bytes(one.hex), setting); });
    assert.equal(code, one.code, JSON.stringify(one));
    assert.deepEqual(claims, one.claims, JSON.stringify(one));
  }
});

test('updates', () => {
  for (const one of cases('updates', 10)) stateOf(one.trust, { now: 0 });
});

test('logs, checkpoints and receipts', () => {
  const table = load('log.json');
  assert.ok(table.cases.length >= 40 && table.notes.length >= 25 && table.receipts.length >= 14);
  const judged = (one, run) => {
    let found = null;
    const code = codeOf(() => { found = run(); });
    assert.equal(code, one.code, JSON.stringify(one));
    return found;
  };
  for (const one of table.cases) {
    const anchors = one.checkpoints.map(({ size, root }) => new Checkpoint('acme.example/calls', size, root));
    let entry;
    const report = judged(one, () => {
      try {
        const check = new LogCheck(anchors);
        check.push(one.log);
        return check.finish();
      } catch (error) {
        entry = error.entry;
        throw error;
      }
    });
    if (report === null) assert.equal(entry, one.entry, JSON.stringify(one));
    else assert.deepEqual([report.size, report.root, report.anchored, report.stepsBack, report.firstStepBack], [one.size, one.root, one.anchored, one.steps_back, one.first_step_back]);
  }
  const keys = (texts) => texts.map((text) => NoteKey.fromText(text));
  for (const one of table.notes) {
    const policy = new CheckpointPolicy(keys(one.keys), one.count === 0 ? {} : { witnesses: keys(one.witnesses), count: one.count });
    const checkpoint = judged(one, () => policy.verify(one.note, { clock: () => one.now_ms }));
    if (checkpoint !== null) assert.deepEqual(checkpoint.toJSON(), { origin: one.origin, size: one.size, root: one.root });
  }
  for (const one of table.receipts) judged(one, () => verifyReceipt(one.receipt, one.line, new CheckpointPolicy(keys(one.keys)), { clock: () => one.now_ms }));
});

test('values', () => {
  for (const one of cases('values', 60)) {
    const data = bytes(one.hex);
    if (one.json === undefined) {
      assert.equal(codeOf(() => decodeValue(data)), one.code, JSON.stringify(one));
    } else {
      assert.equal(valueToJson(decodeValue(data)), one.json);
      assert.equal(hex(encodeValue(decodeValue(data))), one.hex, JSON.stringify(one));
      assert.equal(hex(encodeValue(valueFromJson(one.json))), one.hex, JSON.stringify(one));
    }
  }
});

test('arguments', () => {
  for (const one of cases('arguments', 15)) {
    const args = valueFromJson(one.json);
    if (one.digest === undefined) {
      assert.equal(codeOf(() => argumentsDigest(args)), one.code, JSON.stringify(one));
    } else {
      assert.equal(hex(encodeValue(args)), one.encoding);
      assert.equal(hex(argumentsDigest(args)), one.digest);
    }
  }
});

test('constraints', () => {
  for (const one of cases('constraints', 30)) {
    if (one.code === null) assert.equal(hex(Constraint.decode(bytes(one.hex)).encode()), one.hex);
    else assert.equal(codeOf(() => Constraint.decode(bytes(one.hex))), one.code, JSON.stringify(one));
  }
  for (const one of cases('accepts', 90)) {
    assert.equal(Constraint.decode(bytes(one.constraint)).accepts(valueFromJson(one.value)), one.accepts, JSON.stringify(one));
  }
  for (const one of cases('narrower', 70)) {
    const [parent, child] = [one.parent, one.child].map((side) => Constraint.decode(bytes(side)));
    assert.equal(parent.subsumes(child), one.narrower, JSON.stringify(one));
    assert.ok(parent.subsumes(parent) && child.subsumes(child), JSON.stringify(one));
  }
  for (const one of cases('narrow', 20)) {
    const [a, b] = [one.a, one.b].map((side) => Constraint.decode(bytes(side)));
    assert.equal(hex(a.narrow(b).encode()), one.meet, JSON.stringify(one));
  }
});

test('contexts', () => {
  for (const { contexts, joined, code } of cases('contexts', 15)) {
    if (code !== undefined) assert.equal(codeOf(() => joinContexts(...contexts)), code, JSON.stringify(contexts));
    else assert.equal(joinContexts(...contexts), joined, JSON.stringify(contexts));
  }
});

test('keys', () => {
  for (const one of cases('keys', 5)) {
    const key = SigningKey.fromSeed(bytes(one.seed));
    const known = key.verifyingKey;
    assert.equal(hex(known.bytes), one.public);
    assert.equal(known.didKey, one.did_key);
    assert.equal(known.thumbprint, one.thumbprint);
    assert.equal(known.toJwk(), one.jwk);
    assert.equal(known.toPem(), one.public_pem);
    assert.equal(key.toPem(), one.pem);
    assert.equal(key.toJwk(), one.private_jwk);
    known.verify(new TextEncoder().encode(one.message), bytes(one.signature));
    const read = [
      VerifyingKey.fromDidKey(one.did_key), VerifyingKey.fromJwk(one.jwk), VerifyingKey.fromPem(one.public_pem),
      SigningKey.fromPem(one.pem).verifyingKey, SigningKey.fromJwk(one.private_jwk).verifyingKey,
    ];
    for (const other of read) assert.equal(hex(other.bytes), one.public);
  }
  for (const one of load('keys.json').invalid) assert.equal(codeOf(() => VerifyingKey.fromBytes(bytes(one.hex))), one.code, one.why);
});

test('the table of codes is this one', () => {
  assert.deepEqual(codes.map((row) => ({ ...row })), load('codes.json').codes);
});
