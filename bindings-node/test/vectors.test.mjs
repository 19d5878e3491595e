// Every vector of tests/vectors through the npm package: an unknown file, an unexpected success or a wrong code fails.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  Constraint, Denied, DeputizeError, SigningKey, TrustAnchor, Verifier, VerifyingKey,
  argumentsDigest, codes, decodeValue, encodeValue, valueFromJson, valueToJson,
} from 'deputize';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'tests', 'vectors');
const tables = ['accepts', 'arguments', 'codes', 'constraints', 'keys', 'narrow', 'narrower', 'values'];
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
  assert.ok(readdirSync(join(folder, 'decisions')).length >= 160);
});

for (const file of readdirSync(join(folder, 'decisions')).sort()) {
  test(`decision ${file}`, () => {
    const { kind, verifier: config, now_ms: nowMs, request, presented_before: before, expected, why } = load(join('decisions', file));
    assert.equal(kind, 'decision');
    const trust = config.anchors.map((one) => new TrustAnchor(one.name, VerifyingKey.fromBytes(bytes(one.key)), { mayImpersonate: one.may_impersonate }));
    let time = config.store_created_ms;
    const verifier = new Verifier({ trust, audience: config.audience, clock: () => time });
    time = nowMs;
    const args = valueFromJson(JSON.stringify(request.arguments));
    const options = {};
    if (request.challenge !== undefined) options.challenge = bytes(request.challenge);
    if (request.context !== undefined) options.context = request.context;
    const authorize = () => {
      try {
        return { record: verifier.authorize(request.presentation, request.tool, args, options).record };
      } catch (error) {
        if (!(error instanceof Denied)) throw error;
        return error;
      }
    };
    if (before) authorize();
    const { code, link, record } = authorize();
    assert.equal(code, expected.code, why);
    assert.equal(link ?? undefined, expected.link, why);
    assert.equal(code === undefined ? 'allow' : 'deny', expected.decision);
    assert.equal(record.json({ arguments: true }), expected.record);
    assert.equal(record.sentence, expected.sentence);
    assert.equal(authorize().code, code ?? 'proof-replayed');
  });
}

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
