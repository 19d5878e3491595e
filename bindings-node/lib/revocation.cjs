'use strict';
// What authorities say: revocation lists, and the successors of keys.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer } = require('./tape.cjs');
const { count, kindOf, options, orElse, seconds, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicBytes } = require('./keys.cjs');
const { agentOf, keyOf, requiredAgent, signerOf } = require('./holder.cjs');
const { tell } = require('./audit.cjs');
const { approvalId, sessionId, taskDigest, tokenId } = require('./ids.cjs');

/** The longest text of a target, and one character more. */
const MOST_TEXT = 128;

let formOf;

/** Something that a revocation is about. */
class Target {
  #form;
  static {
    formOf = (value) => (typeof value === 'object' && value !== null && #form in value ? value.#form : undefined);
  }

  constructor(token, form) {
    onlyNative(token, 'Target');
    this.#form = form;
    Object.freeze(this);
  }

  /** A token, and everything below it. */
  static token(id) {
    return target('token', tokenId(id));
  }

  /** A key: what it holds, what is below that, and what it signs from now on. */
  static key(key) {
    return target('key', keyOf(key));
  }

  static session(session) {
    return target('session', sessionId(session));
  }

  static task(task) {
    return target('task', taskDigest(task));
  }

  static approval(approval) {
    return target('approval', approvalId(approval));
  }

  static fromText(form) {
    const given = text(form, 'malformed', 'a target').slice(0, MOST_TEXT);
    call('targetCheck', given);
    return new Target(NATIVE, given);
  }

  toString() {
    return this.#form;
  }

  toJSON() {
    return this.#form;
  }

  [inspect.custom]() {
    return `Target(${this.#form})`;
  }
}

const target = (kind, id) => new Target(NATIVE, call('targetText', kind, Buffer.from(id)));

/** What an authority says is revoked, suspended or pending: in full, or with `base` as a change to a list before. */
class RevocationList {
  #tape;

  constructor(sequence, given) {
    const known = options(given, ['base', 'epoch', 'revoke', 'suspend', 'pending', 'activate'], 'RevocationList');
    const form = { sequence: count(sequence, 'claim-invalid', 'the number of a list') };
    for (const name of ['base', 'epoch']) if (known.has(name)) form[name] = count(known.get(name), 'claim-invalid', name);
    form.revoke = listed(known.get('revoke'), (one) => formOf(one) ?? formOf(Target.fromText(one)), 'revoke');
    for (const name of ['suspend', 'pending', 'activate']) form[name] = listed(known.get(name), keyOf, name);
    const writer = new Writer();
    writer.map(Object.keys(form).length);
    for (const [name, value] of Object.entries(form)) {
      writer.key(name);
      if (Array.isArray(value)) writeAll(writer, value);
      else writer.integer(value);
    }
    this.#tape = Buffer.from(writer.done());
    Object.freeze(this);
  }

  /** Signs the list as an authority, which the agent is; fresh for so long. The bytes of the list. */
  sign(agent, given) {
    const { name, signing, audit } = requiredAgent(agent);
    const ttl = options(given, ['ttl'], 'sign').get('ttl');
    if (ttl === undefined) throw failure('claim-missing', 'sign needs', 'ttl');
    const signed = new Uint8Array(call('listSign', signing, name, this.#tape, seconds(ttl), undefined));
    tell(audit, 'eventListed', name, this.#tape);
    return signed;
  }

  [inspect.custom]() {
    return 'RevocationList';
  }
}

function listed(value, read, what) {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw failure('claim-invalid', `${what} is a list, not`, kindOf(value));
  return Array.from(value, read);
}

function writeAll(writer, values) {
  writer.list(values.length);
  for (const value of values) {
    if (typeof value === 'string') writer.text(value);
    else writer.bytes(value);
  }
}

/** Signs with both keys that `next` follows `old`; the old key is good for `overlap` more at each verifier. The bytes of the rotation. */
function rotate(old, next, given) {
  const known = options(given, ['overlap', 'name'], 'rotate');
  const overlap = seconds(orElse(known, 'overlap', 0), 'overlap');
  const name = known.has('name') ? text(known.get('name'), 'name-invalid', 'name') : undefined;
  const rotation = new Uint8Array(call('rotationMake', signerOf(old), signerOf(next), overlap, name));
  const agent = agentOf(old);
  if (agent !== undefined) tell(agent.audit, 'eventSigned', 'rotation', Buffer.from(rotation), publicBytes(agent.key));
  return rotation;
}

module.exports = { RevocationList, Target, rotate };
