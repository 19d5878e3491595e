'use strict';
const { basename, extname, join } = require('node:path');
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, isMap } = require('./tape.cjs');
const { bytes, count, kindOf, options, seconds, text } = require('./options.cjs');
const { NATIVE, SigningKey, publicBytes, signingHandle } = require('./keys.cjs');
const { Chain, Presentation, requiredChain } = require('./chain.cjs');
const { advice } = require('./constraint.cjs');
const { writeTools } = require('./tools.cjs');
const { argumentsTape } = require('./values.cjs');

const ROOT_ONLY = ['subject', 'mode', 'session', 'task'];
const GRANT = ['to', 'tools', 'ttl', 'audience', 'maxDepth', 'reason', 'context', 'holderName', 'notBefore', 'approvals', 'evidence'];

/** How each option is written to the tape, in the order of the errors that it can give. */
const WRITERS = {
  tools: writeTools,
  ttl: (writer, value) => writer.integer(seconds(value)),
  notBefore: (writer, value) => writer.integer(count(value, 'claim-invalid', 'notBefore')),
  audience: writeAudience,
  maxDepth: (writer, value) => writer.integer(count(value, 'claim-invalid', 'maxDepth')),
  approvals: writeApprovals,
  evidence: (writer, value) => writer.bytes(bytes(value, 'claim-invalid', 'evidence')),
  reason: (writer, value) => writer.text(text(value, 'claim-invalid', 'reason')),
  context: (writer, value) => writer.text(text(value, 'claim-invalid', 'context')),
  subject: (writer, value) => writer.text(text(value, 'name-invalid', 'subject')),
  mode: (writer, value) => writer.text(text(value, 'claim-invalid', 'mode')),
  session: (writer, value) => writer.bytes(bytes(value, 'claim-invalid', 'session')),
  task: (writer, value) => writer.bytes(bytes(value, 'claim-invalid', 'task')),
};

function writeAudience(writer, value) {
  const names = Array.isArray(value) ? Array.from(value) : [value];
  writer.list(names.length);
  names.forEach((name) => writer.text(text(name, 'name-invalid', 'audience')));
}

/** `{tool: {count, approvers}}`, or `{tool: [{count, approvers}, …]}`. */
function writeApprovals(writer, value) {
  if (!isMap(value)) throw failure('claim-invalid', 'approvals are a plain object, not', kindOf(value));
  const rules = Object.keys(value).flatMap((tool) => [value[tool]].flat().map((rule) => [tool, options(rule, ['count', 'approvers'], 'approvals')]));
  writer.list(rules.length);
  for (const [tool, rule] of rules) {
    const approvers = rule.get('approvers');
    if (!Array.isArray(approvers)) throw failure('claim-invalid', 'approvers are a list, not', kindOf(approvers));
    writer.list(3);
    writer.text(text(tool, 'name-invalid', 'tool'));
    writer.integer(count(rule.get('count'), 'claim-invalid', 'approvals: count'));
    const keys = Array.from(approvers, keyOf);
    writer.list(keys.length);
    keys.forEach((key) => writer.bytes(key));
  }
}

/** The public key that an agent or a key stands for. */
function keyOf(value) {
  const key = publicBytes(value) ?? publicBytes(agentKey(value));
  if (key === undefined) throw failure('key-invalid', 'neither an Agent nor a VerifyingKey:', kindOf(value));
  return key;
}

function grant(given, known, where) {
  const read = options(given, known, where);
  if (!read.has('to')) throw failure('claim-missing', `${where} needs`, 'to');
  const to = read.get('to');
  const key = keyOf(to);
  const name = read.get('holderName') ?? (agentKey(to) === undefined ? undefined : to.name);
  const named = [...read.keys()].filter((option) => Object.hasOwn(WRITERS, option));
  const writer = new Writer(advice);
  writer.map(1 + named.length + (name === undefined ? 0 : 1));
  writer.key('to');
  writer.bytes(key);
  if (name !== undefined) {
    writer.key('holderName');
    writer.text(text(name, 'name-invalid', 'holderName'));
  }
  for (const option of Object.keys(WRITERS).filter((option) => named.includes(option))) {
    writer.key(option);
    WRITERS[option](writer, read.get(option));
  }
  return writer.done();
}

let agentKey;

/** A name and a key: issues, delegates, and proves calls. */
class Agent {
  #name;
  #signing;
  #key;
  static {
    agentKey = (value) => (typeof value === 'object' && value !== null && #key in value ? value.#key : undefined);
  }

  constructor(name, signingKey) {
    this.#name = text(name, 'name-invalid', 'an agent');
    this.#signing = signingHandle(signingKey);
    if (this.#signing === undefined) throw failure('key-invalid', 'not a SigningKey:', kindOf(signingKey));
    this.#key = signingKey.verifyingKey;
    call('anchorCheck', this.#name, publicBytes(this.#key));
    Object.freeze(this);
  }

  static generate(name) {
    return new Agent(name, SigningKey.generate());
  }

  static fromSeed(name, seed) {
    return new Agent(name, SigningKey.fromSeed(seed));
  }

  static load(path, name) {
    const key = SigningKey.load(path);
    return new Agent(name === undefined ? basename(path, extname(path)) : name, key);
  }

  static loadOrCreate(name, directory = join('.deputize', 'keys')) {
    const file = text(name, 'name-invalid', 'an agent');
    if (/[/\\\0]/.test(file) || file === '' || file.startsWith('.')) throw failure('name-invalid', 'no name for a file:', file);
    return new Agent(file, SigningKey.loadOrCreate(join(text(directory, 'key-file-invalid', 'a directory'), `${file}.pem`)));
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

  issue(given) {
    return new Chain(NATIVE, call('issue', this.#signing, this.#name, grant(given, [...GRANT, ...ROOT_ONLY], 'issue')));
  }

  delegate(chain, given) {
    const parent = requiredChain(chain);
    return new Chain(NATIVE, call('delegate', this.#signing, parent, grant(given, GRANT, 'delegate')));
  }

  prove(chain, tool, args, audience, given) {
    const holding = requiredChain(chain);
    const tape = argumentsTape(args);
    const challenge = options(given, ['challenge'], 'prove').get('challenge');
    const named = [text(tool, 'name-invalid', 'tool'), text(audience, 'name-invalid', 'audience')];
    const answer = challenge === undefined ? undefined : Buffer.from(bytes(challenge, 'claim-invalid', 'challenge'));
    return new Presentation(NATIVE, call('prove', this.#signing, holding, named[0], tape, named[1], answer));
  }

  toJSON() {
    return { name: this.#name, did: this.did };
  }

  [inspect.custom]() {
    return `Agent(${inspect(this.#name)}, ${this.did})`;
  }
}

module.exports = { Agent, agentKey };
