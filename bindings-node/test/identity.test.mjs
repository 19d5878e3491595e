// Identities, consents and enrolment.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Agent, Admitted, CodeAttestor, Consent, Identity, IdentityPolicy, IdentityRule, JwtAttestor, MemoryStore, ParentAttestor, Registrar, TrustAnchor, glob, measure } from 'deputize';
import { AUDIENCE, cast, denied, folder, hex, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const [ids, runner, ben] = ['ids.acme.example', 'runner', 'ben'].map((name) => Agent.generate(name));
const issue = (options = {}) => ana.issue({ to: coder, tools: { read: {} }, holderName: 'a name', ...options });
const call = (verifier, chain, evidence = []) => verifier.authorize(coder.prove(chain, 'read', {}, AUDIENCE, { evidence }), 'read', {});
const wrongTypes = [undefined, null, 5, true, {}, [], Symbol('x'), () => 1];

test('a holder with an identity is named by it, and by nothing else', () => {
  const verifier = verifierFor(ana, { identities: new IdentityPolicy([ids], [new IdentityRule('leaf', { kind: 'agent', environment: 'production', attributes: { team: 'billing', level: 3, on: true } })]) });
  const identity = ids.issueIdentity('coder@acme', coder, { environment: 'production', attributes: { team: 'billing', level: 3n, on: true }, ttl: '10m' });
  const allowed = call(verifier, issue(), [identity]);
  assert.equal(allowed.caller, 'coder@acme');
  const [holder] = JSON.parse(allowed.record.json()).chain;
  assert.deepEqual([holder.identity.name, holder.identity.authority, holder.name], ['coder@acme', 'ids.acme.example', 'a name']);
  assert.equal(denied('identity-required', () => call(verifier, issue())).link, 0);
  assert.ok(!denied('identity-required', () => call(verifier, issue())).record.sentence.includes('a name'));
});

test('an identity is read as it was received, and verified by a policy', () => {
  const evidence = new Uint8Array(32).fill(7);
  const identity = ids.issueIdentity('coder@acme', coder.key, { kind: 'service', state: 'pending', environment: 'test', attributes: { a: 'x', b: false, c: -5 }, attestor: 'parent', evidence, ttl: 60 });
  for (const same of [identity, Identity.decode(identity.bytes), Identity.fromText(identity.text), Identity.fromText(JSON.parse(JSON.stringify(identity)))]) {
    const claims = same.unverifiedClaims();
    assert.deepEqual([claims.authority, claims.name, String(claims.key), claims.kind, claims.state, claims.environment, claims.attestor], ['ids.acme.example', 'coder@acme', coder.did, 'service', 'pending', 'test', 'parent']);
    assert.deepEqual([{ ...claims.attributes }, claims.expires - claims.issued], [{ a: 'x', b: false, c: -5 }, 60]);
    assert.ok(Object.isFrozen(claims) && Object.isFrozen(claims.attributes));
  }
  const policy = new IdentityPolicy(ids);
  assert.equal(policy.verify(identity).evidence, hex(evidence));
  assert.equal(policy.verify(identity.bytes).name, 'coder@acme');
  const later = (seconds) => ({ clock: () => Date.now() + seconds * 1000 });
  refused('identity-expired', () => policy.verify(identity, later(61)));
  refused('identity-not-yet-valid', () => policy.verify(identity, later(-120)));
  refused('identity-untrusted', () => new IdentityPolicy(ben).verify(identity));
  refused('identity-invalid', () => new IdentityPolicy([['ids.acme.example', ben.key]]).verify(identity));
  const flipped = identity.bytes;
  flipped[flipped.length - 1] ^= 1;
  refused('identity-invalid', () => policy.verify(flipped));
  for (const clock of [() => NaN, () => -0, () => '5', () => { throw new Error('x'); }, async () => Date.now()]) refused('clock-invalid', () => policy.verify(identity, { clock }));
  for (const wrong of wrongTypes) refused('malformed', () => policy.verify(wrong));
});

test('nothing in the evidence is passed over', () => {
  const identities = new IdentityPolicy([ids]);
  const verifier = verifierFor(ana, { identities });
  const own = ids.issueIdentity('coder@acme', coder);
  denied('identity-refused', () => call(verifier, issue(), [own, ids.issueIdentity('mallory', mallory)]));
  denied('identity-refused', () => call(verifier, issue(), [own, own]));
  denied('identity-untrusted', () => call(verifier, issue(), [ben.issueIdentity('coder@acme', coder)]));
  denied('identity-untrusted', () => call(verifierFor(ana), issue(), [own]));
  denied('agent-pending', () => call(verifier, issue(), [ids.issueIdentity('coder@acme', coder, { state: 'pending' })]));
  denied('consent-invalid', () => call(verifier, issue(), [ben.consent({ holder: coder, issuer: 'ana', audience: AUDIENCE })]));
  denied('kind-mismatch', () => call(verifier, issue(), [issue().tokens[0]]));
  assert.ok(call(verifier, issue()));
});

test('each condition of a rule counts, for the hops that it is on', () => {
  const chain = () => planner.delegate(ana.issue({ to: planner, tools: { read: {} } }), { to: coder });
  const identity = ids.issueIdentity('coder@acme', coder, { environment: 'test', attributes: { team: 'billing' }, attestor: 'parent' });
  const judged = (...rules) => () => call(verifierFor(ana, { identities: new IdentityPolicy([ids], rules) }), chain(), [identity]);
  assert.ok(judged(new IdentityRule('leaf', { attestors: ['other', 'parent'] }))());
  for (const options of [{ kind: 'human' }, { environment: 'production' }, { attributes: { team: 'sales' } }, { attributes: { level: 1 } }, { attestors: ['other'] }]) {
    assert.equal(denied('identity-refused', judged(new IdentityRule('leaf', options))).link, 1);
  }
  for (const on of ['root', 'all']) assert.equal(denied('identity-required', judged(new IdentityRule(on))).link, 0);
});

test('what is no identity, rule or policy is refused', () => {
  const issued = (given, name = 'x', key = coder) => () => ids.issueIdentity(name, key, given);
  for (const name of ['', '\ud800', 5, null, {}]) refused('name-invalid', issued({}, name));
  for (const key of [null, coder.did, {}, new Proxy(coder, {})]) refused('key-invalid', issued({}, 'x', key));
  for (const given of [{ kind: 'robot' }, { kind: 5 }, { state: 'Active' }, { state: true }, { ttl: 0 }, { ttl: '25h' }, { ttl: -0 }, { attributes: [] }, { attributes: null }, { attributes: new Map() }, { attributes: new Proxy({}, {}) }, { attributes: { a: 1.5 } }, { attributes: { a: null } }, { attributes: { a: [1] } }, { attributes: { a: 'x\n' } }, { evidence: 'x' }, { evidence: new Uint8Array(31) }]) refused('claim-invalid', issued(given));
  for (const given of [{ attributes: { a: NaN } }, { attributes: { a: '\ud800' } }, { attributes: { get a() { return 1; } } }, { attributes: { a: -0 } }]) refused('value-unsupported', issued(given));
  refused('too-many', issued({ attributes: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a${at}`, 1])) }));
  refused('config-invalid', issued({ environement: 'x' }));
  for (const on of ['All', '', 'leaves', ...wrongTypes]) refused('config-invalid', () => new IdentityPolicy([ids], [new IdentityRule(on)]));
  for (const given of [{ kind: 'robot' }, { attestors: [] }, { attestors: 'parent' }, { attestors: [''] }, { attributes: { a: 1.5 } }, { attributes: null }, { environment: '' }]) refused('config-invalid', () => new IdentityPolicy([ids], [new IdentityRule('all', given)]));
  for (const authorities of [undefined, [], [ids, ids], [ids.key], [['x']], 'ids']) refused('config-invalid', () => new IdentityPolicy(authorities));
  for (const rules of [null, {}, [{}], [new Proxy(new IdentityRule('all'), {})]]) refused('config-invalid', () => new IdentityPolicy([ids], rules));
  for (const identities of [null, {}, ids, [], new Proxy(new IdentityPolicy([ids]), {})]) refused('config-invalid', () => verifierFor(ana, { identities }));
  const { bytes } = ids.issueIdentity('x', coder);
  for (let at = 0; at < bytes.length; at++) assert.throws(() => Identity.decode(bytes.subarray(0, at)), { name: 'DeputizeError' });
  for (const wrong of wrongTypes) refused('malformed', () => Identity.decode(wrong));
});

test('who is impersonated has consented, to this holder, issuer, tool and verifier', () => {
  const anchor = new TrustAnchor('ana', ana.key, { mayImpersonate: true });
  const verifier = verifierFor(anchor, { principals: { ben } });
  const chain = () => ana.issueImpersonation('ben', { to: coder, tools: { read: {} }, audience: AUDIENCE });
  const consent = (options = {}) => ben.consent({ holder: coder, issuer: 'ana', audience: AUDIENCE, ...options });
  for (const given of [consent(), consent({ tools: ['read'] }), Consent.fromText(consent().text), consent().bytes]) assert.equal(call(verifier, chain(), [given]).onBehalfOf, 'ben');
  denied('consent-missing', () => call(verifier, chain()));
  for (const options of [{ holder: mallory }, { issuer: 'bob' }, { audience: 'elsewhere' }, { tools: ['write'] }]) denied('consent-invalid', () => call(verifier, chain(), [consent(options)]));
  denied('consent-invalid', () => call(verifier, chain(), [consent(), consent()]));
  denied('consent-invalid', () => call(verifier, chain(), [Agent.generate('ben').consent({ holder: coder, issuer: 'ana', audience: AUDIENCE })]));
  denied('consent-invalid', () => call(verifierFor(anchor), chain(), [consent()]));
  for (const name of ['holder', 'issuer', 'audience']) refused('claim-missing', () => consent({ [name]: undefined }));
  for (const tools of ['read', [], null, {}]) refused('claim-invalid', () => consent({ tools }));
  for (const tools of [[5], [''], ['\ud800']]) refused('name-invalid', () => consent({ tools }));
  for (const principals of [null, [], new Map()]) refused('config-invalid', () => verifierFor(anchor, { principals }));
  refused('config-invalid', () => verifierFor(anchor, { principals: { ana } }));
  refused('key-invalid', () => verifierFor(anchor, { principals: { ben: ben.did } }));
});

test('a launcher vouches for what it started, once', async () => {
  const registrar = new Registrar(ids, [new ParentAttestor('parent', [runner])]);
  const child = Agent.generate('child');
  const request = (challenge, name = 'runner/coder') => child.enrol(challenge, 'ids.acme.example', 'parent', runner.vouch(name, child, challenge));
  const claims = new Set();
  const own = { async commit([[, key]]) { const known = claims.has(hex(key)); claims.add(hex(key)); return known ? ['refused', 0] : true; } };
  for (const store of [new MemoryStore(), own]) {
    const asked = request(registrar.challenge());
    const identity = await registrar.enrolAsync(asked, store, { environment: 'production', ttl: '5m' });
    const found = new IdentityPolicy(ids).verify(identity);
    assert.deepEqual([found.name, found.attributes.launcher, found.attestor, found.environment, String(found.key)], ['runner/coder', 'runner', 'parent', 'production', child.did]);
    await rejected('attestation-failed', registrar.enrolAsync(asked, store));
  }
  const store = new MemoryStore();
  const admitted = registrar.admit(request(registrar.challenge()), store);
  assert.ok(admitted instanceof Admitted);
  assert.equal(registrar.issue(admitted, { state: 'pending' }).unverifiedClaims().state, 'pending');
  for (const option of ['name', 'key', 'attestor', 'evidence']) refused('config-invalid', () => registrar.issue(admitted, { [option]: 'x' }));
  for (const wrong of [undefined, {}, new Proxy(admitted, {}), Object.create(admitted)]) refused('config-invalid', () => registrar.issue(wrong));
  const asked = request(registrar.challenge({ ttl: '1m' }));
  refused('claim-invalid', () => registrar.enrol(asked, store, { ttl: 'x' }));
  assert.ok(registrar.enrol(asked, store));
  refused('attestation-failed', () => registrar.admit(request(registrar.challenge(), 'other/coder'), store));
  refused('attestation-failed', () => registrar.admit(request(new Registrar(Agent.generate('ids.acme.example'), []).challenge()), store));
  refused('attestation-failed', () => new Registrar(ids, []).admit(request(registrar.challenge()), store));
});

test('a registrar whose store gives no good answer admits nobody', async () => {
  const registrar = new Registrar(ids, [new ParentAttestor('parent', [runner])]);
  const child = Agent.generate('child');
  const request = () => { const challenge = registrar.challenge(); return child.enrol(challenge, 'ids.acme.example', 'parent', runner.vouch('runner/coder', child, challenge)); };
  for (const [answer, code] of [[undefined, 'store-unavailable'], ['yes', 'store-unavailable'], [{ then: 5 }, 'store-unavailable'], [Promise.resolve(true), 'store-unavailable'], ['full', 'store-full'], [['refused', 0], 'attestation-failed'], [['predates', 0], 'token-predates-store']]) refused(code, () => registrar.admit(request(), { commit: () => answer }));
  for (const commit of [() => { throw new Error('disk'); }, async () => { throw new Error('disk'); }]) await rejected('store-unavailable', registrar.admitAsync(request(), { commit }));
  let asked = 0;
  await rejected('attestation-failed', new Registrar(ids, []).admitAsync(request(), { commit: () => { asked += 1; return true; } }));
  assert.equal(asked, 0);
  const mutable = Buffer.from(request());
  const pending = registrar.admitAsync(mutable, { commit: async () => { mutable.fill(0); return true; } });
  assert.ok((await pending) instanceof Admitted);
  for (const store of [undefined, null, {}, 5, { commit: 5 }]) refused('config-invalid', () => registrar.admit(request(), store));
  for (const wrong of wrongTypes) refused('malformed', () => registrar.admit(wrong, new MemoryStore()));
});

test('code is known by its measurement', (t) => {
  const root = folder(t);
  mkdirSync(join(root, 'src'));
  writeFileSync(join(root, 'src', 'agent.js'), 'code');
  const digest = measure(root, ['src']);
  assert.deepEqual(measure(root, ['src/agent.js']), digest);
  const registrar = new Registrar(ids, [new CodeAttestor('code', runner, { [hex(digest)]: 'coder' })]);
  const child = Agent.generate('child');
  const store = new MemoryStore();
  const enrol = (measurement) => { const challenge = registrar.challenge(); return registrar.enrol(child.enrol(challenge, 'ids.acme.example', 'code', runner.vouch('coder', child, challenge, { measurement })), store); };
  for (const measurement of [digest, hex(digest)]) assert.equal(enrol(measurement).unverifiedClaims().attributes.measurement, hex(digest));
  refused('attestation-failed', () => enrol(new Uint8Array(32)));
  refused('attestation-failed', () => enrol(undefined));
  for (const measurement of [null, 'x', hex(digest).toUpperCase(), new Uint8Array(31), 5]) refused('claim-invalid', () => enrol(measurement));
  symlinkSync('/etc/passwd', join(root, 'link'));
  for (const paths of [['link'], ['..'], ['/etc'], [''], ['none'], [], ['a\0'], ['\ud800'], [5], 'src', null]) refused('file-unavailable', () => measure(root, paths));
  for (const measurements of [{}, null, [], new Map(), { [hex(digest)]: '' }, { [hex(digest)]: 5 }]) refused('config-invalid', () => new CodeAttestor('code', runner, measurements));
  refused('claim-invalid', () => new CodeAttestor('code', runner, { short: 'coder' }));
});

/** A platform that signs tokens with a key of its own. */
function platform() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA', use: 'sig' }] };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (claims, header = { alg: 'EdDSA', kid: 'one', typ: 'JWT' }) => {
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  return { jwks, token };
}

test('a platform\'s token is bound to the agent\'s key', () => {
  const { jwks, token } = platform();
  const child = Agent.generate('child');
  const now = Math.floor(Date.now() / 1000);
  const claims = (given = {}) => ({ iss: 'https://ci.example', sub: 'job:7', aud: `ids#${child.key.thumbprint}`, iat: now, exp: now + 60, env: 'production', nested: { team: 'billing' }, ...given });
  const attestor = (options = {}) => new JwtAttestor('ci', { issuer: 'https://ci.example', audience: 'ids', subjects: glob('job:*'), jwks, require: [['env', 'production'], [['nested', 'team'], ['billing', 'sales']]], attributes: { team: ['nested', 'team'] }, ...options });
  const store = new MemoryStore();
  const enrol = (evidence, attested = attestor()) => { const registrar = new Registrar(ids, [attested]); return registrar.enrol(child.enrol(registrar.challenge(), 'ids.acme.example', 'ci', evidence), store).unverifiedClaims(); };
  for (const form of [jwks, JSON.stringify(jwks), Buffer.from(JSON.stringify(jwks))]) {
    const found = enrol(token(claims()), attestor({ jwks: form }));
    assert.deepEqual([found.name, found.attributes.team, found.attestor], ['job:7', 'billing', 'ci']);
  }
  assert.equal(enrol(Buffer.from(token(claims({ aud: 'ids', cnf: { jkt: child.key.thumbprint } })))).name, 'job:7');
  for (const given of [{ iss: 'https://other.example' }, { sub: 'x:7' }, { aud: 'ids' }, { aud: `ids#${mallory.key.thumbprint}` }, { aud: [`ids#${child.key.thumbprint}`, 'b'] }, { exp: now - 60 }, { exp: undefined }, { iat: undefined }, { env: 'test' }, { nested: {} }, { nbf: now + 3600 }]) refused('attestation-failed', () => enrol(token(claims(given))));
  for (const header of [{ alg: 'none', kid: 'one' }, { alg: 'HS256', kid: 'one' }, { alg: 'EdDSA', kid: 'two' }]) assert.throws(() => enrol(token(claims(), header)), { name: 'DeputizeError' });
  for (const evidence of ['', 'x', 'a.b.c', token(claims()).slice(0, -2), new Uint8Array([255])]) assert.throws(() => enrol(evidence), { name: 'DeputizeError' });
  refused('too-large', () => enrol('x'.repeat(20000)));
  for (const options of [{ issuer: '' }, { audience: 'a#b' }, { audience: 5 }, { issuer: undefined }, { subjects: undefined }, { jwks: undefined }, { jwks: 5 }, { jwks: null }, { require: {} }, { require: null }, { require: [5] }, { require: [['env']] }, { require: [[5, 'x']] }, { attributes: [] }, { attributes: null }, { attributes: { team: 5 } }, { repository: 'a/b' }]) refused('config-invalid', () => attestor(options));
  const round = { keys: [] };
  round.keys.push(round);
  for (const odd of [round, { keys: [1n] }, { toJSON: () => undefined }, { get keys() { throw new Error('secret'); } }]) refused('config-invalid', () => attestor({ jwks: odd }));
  for (const other of [JwtAttestor.githubActions('ci', { audience: 'ids', repository: 'acme/app', jwks }), JwtAttestor.kubernetes('ci', { issuer: 'https://k8s.example', audience: 'ids', namespace: 'prod', account: 'coder', jwks }), JwtAttestor.spiffe('ci', { trustDomain: 'acme.example', audience: 'ids', jwks })]) refused('attestation-failed', () => enrol(token(claims()), other));
  const spiffe = JwtAttestor.spiffe('ci', { trustDomain: 'acme.example', audience: 'ids', jwks });
  assert.equal(enrol(token(claims({ sub: 'spiffe://acme.example/coder' })), spiffe).name, 'spiffe://acme.example/coder');
  refused('config-invalid', () => JwtAttestor.githubActions('ci', { audience: 'ids', repository: 'acme', jwks }));
  refused('config-invalid', () => JwtAttestor.kubernetes('ci', { audience: 'ids', namespace: 'prod', account: 'coder', jwks }));
});

test('attestors, registrars and what holds keys are what they say and show nothing', () => {
  const parent = new ParentAttestor('parent', [['runner', runner.key]]);
  for (const attestors of [undefined, null, parent, [5], [{}], [new Proxy(parent, {})], [Object.create(parent)], [parent, parent], [null]]) {
    refused('config-invalid', () => new Registrar(ids, attestors));
  }
  for (const launchers of [[], [runner, runner], [runner.key], 5, undefined, [['runner']]]) refused('config-invalid', () => new ParentAttestor('parent', launchers));
  refused('key-invalid', () => new Registrar(ids.key, [parent]));
  const registrar = new Registrar(ids, [parent]);
  for (const ttl of [0, 601, '11m', -0, null, true, NaN]) refused('claim-invalid', () => registrar.challenge({ ttl }));
  const shown = inspect(registrar, { depth: 9, showHidden: true }) + JSON.stringify(registrar) + inspect(parent, { depth: 9, showHidden: true });
  assert.ok(!/seed|External|PRIVATE/.test(shown), shown);
  assert.equal(parent.name, 'parent');
  for (const run of [() => structuredClone(registrar).challenge(), () => structuredClone(ids).issueIdentity('x', coder)]) assert.throws(run);
  for (const args of [[5, 'a', 'b', new Uint8Array()], [registrar.challenge(), '', 'b', new Uint8Array()], [registrar.challenge(), 'ids.acme.example', '\ud800', new Uint8Array()], [registrar.challenge(), 'ids.acme.example', 'b', 5], [registrar.challenge(), 'other', 'b', new Uint8Array()]]) assert.throws(() => coder.enrol(...args), { name: 'DeputizeError' });
  refused('holder-repeated', () => runner.vouch('runner/x', runner, registrar.challenge()));
});
