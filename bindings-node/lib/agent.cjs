'use strict';
const { basename, extname, join } = require('node:path');
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer } = require('./tape.cjs');
const { bytes, kindOf, options, seconds, text } = require('./options.cjs');
const { NATIVE, SigningKey, publicBytes, signingHandle } = require('./keys.cjs');
const { agentOf, agentsAreReadBy, keyOf } = require('./holder.cjs');
const { DELEGATED, ROOT, grantOptions, grantTape } = require('./grant.cjs');
const { Chain, Presentation, requiredChain } = require('./chain.cjs');
const { Approval, Consent, Identity, evidenceTape } = require('./evidence.cjs');
const { requiredRequest } = require('./approval.cjs');
const { identityTape } = require('./identity-grant.cjs');
const { digest } = require('./ids.cjs');
const { argumentsTape } = require('./values.cjs');
const { Session } = require('./session.cjs');
const { tell } = require('./audit.cjs');
const { sinkOf } = require('./log.cjs');

/** A name and a key: issues, delegates, proves calls, and signs what else is said in its name. */
class Agent {
  #name;
  #signing;
  #key;
  #audit;
  static {
    const isAgent = (value) => typeof value === 'object' && value !== null && #key in value;
    agentsAreReadBy((value) => (isAgent(value) ? { name: value.#name, key: value.#key, signing: value.#signing, audit: value.#audit } : undefined));
  }

  constructor(name, signingKey, given) {
    this.#audit = sinkOf(options(given, ['audit'], 'Agent').get('audit'));
    this.#name = text(name, 'name-invalid', 'an agent');
    this.#signing = signingHandle(signingKey);
    if (this.#signing === undefined) throw failure('key-invalid', 'not a SigningKey:', kindOf(signingKey));
    this.#key = signingKey.verifyingKey;
    call('anchorCheck', this.#name, publicBytes(this.#key));
    Object.freeze(this);
  }

  static generate(name, given) {
    return new Agent(name, SigningKey.generate(), given);
  }

  static fromSeed(name, seed, given) {
    return new Agent(name, SigningKey.fromSeed(seed), given);
  }

  static load(path, name, given) {
    const key = SigningKey.load(path);
    return new Agent(name === undefined ? basename(path, extname(path)) : name, key, given);
  }

  static loadOrCreate(name, directory = join('.deputize', 'keys'), given) {
    const file = text(name, 'name-invalid', 'an agent');
    if (/[/\\\0]/.test(file) || file === '' || file.startsWith('.')) throw failure('name-invalid', 'no name for a file:', file);
    return new Agent(file, SigningKey.loadOrCreate(join(text(directory, 'key-file-invalid', 'a directory'), `${file}.pem`)), given);
  }

  get name() {
    return this.#name;
  }

  get key() {
    return this.#key;
  }

  get did() {
    return this.#key.didKey;
  }

  /** Records what this agent signed before anybody gets it. */
  #recorded(kind, signed) {
    tell(this.#audit, 'eventSigned', kind, Buffer.from(signed.bytes), publicBytes(this.#key));
    return signed;
  }

  /** Opens a session for a task, in this agent's name. */
  openSession(given) {
    const session = Session.open(given);
    const task = session.task === null ? undefined : Buffer.from(session.task);
    tell(this.#audit, 'eventOpened', Buffer.from(session.id), task, this.#name, publicBytes(this.#key));
    return session;
  }

  issue(given) {
    return this.#issue(grantOptions(given, [...ROOT, 'subject', 'mode'], 'issue'), 'issue');
  }

  /** On behalf of a principal, who stays accountable. */
  issueOnBehalfOf(subject, given) {
    const read = grantOptions(given, ROOT, 'issueOnBehalfOf');
    return this.#issue(read.set('subject', text(subject, 'name-invalid', 'subject')).set('mode', 'on_behalf_of'), 'issueOnBehalfOf');
  }

  /** The holder is its own principal, under its name. */
  issueOwnBehalf(given) {
    const { name, ...rest } = Object.fromEntries(options(given, [...ROOT, 'name'], 'issueOwnBehalf'));
    const read = grantOptions(rest, ROOT, 'issueOwnBehalf');
    const own = name ?? read.get('holderName') ?? agentOf(read.get('to'))?.name;
    if (own === undefined) throw failure('claim-missing', 'issueOwnBehalf needs', 'name');
    if (read.has('holderName') && read.get('holderName') !== own) throw failure('claim-invalid', 'not the name of the principal:', 'holderName');
    return this.#issue(read.set('holderName', own).set('subject', own).set('mode', 'own_behalf'), 'issueOwnBehalf');
  }

  /** As a principal, at these audiences and nowhere else. Verifiers ask for the principal's consent. */
  issueImpersonation(subject, given) {
    const read = grantOptions(given, ROOT, 'issueImpersonation');
    if (!read.has('audience')) throw failure('claim-missing', 'issueImpersonation needs', 'audience');
    if (!read.has('holderName') && agentOf(read.get('to')) === undefined) throw failure('claim-missing', 'issueImpersonation needs', 'holderName');
    return this.#issue(read.set('subject', text(subject, 'name-invalid', 'subject')).set('mode', 'impersonation'), 'issueImpersonation');
  }

  #issue(read, where) {
    return this.#recorded('chain', new Chain(NATIVE, call('issue', this.#signing, this.#name, grantTape(read, where))));
  }

  delegate(chain, given) {
    const parent = requiredChain(chain);
    const tape = grantTape(grantOptions(given, DELEGATED, 'delegate'), 'delegate');
    return this.#recorded('chain', new Chain(NATIVE, call('delegate', this.#signing, parent, tape)));
  }

  prove(chain, tool, args, audience, given) {
    const holding = requiredChain(chain);
    const tape = argumentsTape(args);
    const read = options(given, ['challenge', 'evidence'], 'prove');
    const named = [text(tool, 'name-invalid', 'tool'), text(audience, 'name-invalid', 'audience')];
    const answer = read.has('challenge') ? Buffer.from(bytes(read.get('challenge'), 'claim-invalid', 'challenge')) : undefined;
    const evidence = read.has('evidence') ? evidenceTape(read.get('evidence')) : undefined;
    return new Presentation(NATIVE, call('prove', this.#signing, holding, named[0], tape, named[1], answer, evidence));
  }

  /** Approves one call, whose `text` this agent's person has read. */
  approve(request, given) {
    return this.#decide(request, true, options(given, ['ttl', 'reason'], 'approve'));
  }

  /** Says no to one call: until it expires, no approval of it counts where this is shown. */
  deny(request, given) {
    return this.#decide(request, false, options(given, ['ttl', 'reason'], 'deny'));
  }

  #decide(request, approves, read) {
    const handle = requiredRequest(request);
    const form = {};
    if (read.has('ttl')) form.ttl = seconds(read.get('ttl'));
    if (read.has('reason')) form.reason = text(read.get('reason'), 'claim-invalid', 'reason');
    const writer = new Writer();
    writer.value(form);
    return this.#recorded('approval', new Approval(NATIVE, call('requestDecide', handle, this.#signing, this.#name, approves, writer.done())));
  }

  /** Consents to be impersonated by the holder, at this verifier, with a token of this trust anchor. */
  consent(given) {
    const read = options(given, ['holder', 'issuer', 'audience', 'tools', 'ttl'], 'consent');
    for (const name of ['holder', 'issuer', 'audience']) if (!read.has(name)) throw failure('claim-missing', 'consent needs', name);
    const form = { holder: keyOf(read.get('holder')) };
    for (const name of ['issuer', 'audience']) form[name] = text(read.get(name), 'name-invalid', name);
    if (read.has('tools')) {
      const tools = read.get('tools');
      if (!Array.isArray(tools)) throw failure('claim-invalid', 'tools are a list of names, not', kindOf(tools));
      form.tools = Array.from(tools, (tool) => text(tool, 'name-invalid', 'tool'));
    }
    if (read.has('ttl')) form.ttl = seconds(read.get('ttl'));
    const writer = new Writer();
    writer.value(form);
    return this.#recorded('consent', new Consent(NATIVE, call('consentMake', this.#signing, this.#name, writer.done())));
  }

  /** Says as an authority who holds a key. */
  issueIdentity(name, key, given) {
    const tape = identityTape(given, 'issueIdentity', { name: text(name, 'name-invalid', 'identity'), key: keyOf(key) });
    return this.#recorded('identity', new Identity(NATIVE, call('identityIssue', this.#signing, this.#name, tape)));
  }

  /** Asks an authority for an identity of this agent's key; the bytes of the request. */
  enrol(challenge, authority, attestor, evidence) {
    const asked = Buffer.from(bytes(challenge, 'malformed', 'a challenge'));
    const named = [text(authority, 'name-invalid', 'authority'), text(attestor, 'name-invalid', 'attestor')];
    const shown = Buffer.from(typeof evidence === 'string' ? text(evidence, 'malformed', 'evidence') : bytes(evidence, 'malformed', 'evidence'));
    return new Uint8Array(call('enrolmentRequest', this.#signing, asked, ...named, shown));
  }

  /** Says as a launcher what agent it started, for one challenge: evidence for a ParentAttestor or CodeAttestor. */
  vouch(childName, childKey, challenge, given) {
    const measured = options(given, ['measurement'], 'vouch').get('measurement');
    const measurement = measured === undefined ? undefined : Buffer.from(digest(measured, 'a measurement'));
    const child = text(childName, 'name-invalid', 'agent');
    const asked = Buffer.from(bytes(challenge, 'malformed', 'a challenge'));
    return new Uint8Array(call('enrolmentVouch', this.#signing, this.#name, child, keyOf(childKey), asked, measurement));
  }

  toJSON() {
    return { name: this.#name, did: this.did };
  }

  [inspect.custom]() {
    return `Agent(${inspect(this.#name)}, ${this.did})`;
  }
}

module.exports = { Agent };
