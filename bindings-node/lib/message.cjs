'use strict';
// Signed messages between agents: each is taken once, in order, by the one it is for.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read } = require('./tape.cjs');
const { bytes, kindOf, options, orElse, seconds, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicKey } = require('./keys.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { keyOf, requiredAgent } = require('./holder.cjs');
const { digest, sessionId } = require('./ids.cjs');

const payloadOf = (payload) => Buffer.from(bytes(payload, 'value-unsupported', 'a payload'));

/** One sender's messages: numbers those of each recipient and session. */
class Outbox {
  #agent;
  #handle;

  constructor(agent, state) {
    const { signing } = requiredAgent(agent);
    this.#agent = agent;
    this.#handle = state === undefined ? call('outboxNew', signing) : call('outboxDecode', Buffer.from(bytes(state, 'malformed', 'a state')));
    Object.freeze(this);
  }

  /** An outbox that goes on from a state. */
  static decode(state, agent) {
    return new Outbox(agent, bytes(state, 'malformed', 'a state'));
  }

  /** Signs the next message of its session; the payload travels beside it. */
  send(payload, given) {
    const copy = payloadOf(payload);
    const known = options(given, ['to', 'session', 'token', 'ttl'], 'send');
    for (const name of ['to', 'session']) if (!known.has(name)) throw failure('claim-missing', 'send needs', name);
    const form = { to: text(known.get('to'), 'name-invalid', 'recipient'), session: sessionId(known.get('session')) };
    if (known.has('token')) form.token = digest(known.get('token'), 'the hash of a token');
    if (known.has('ttl')) form.ttl = seconds(known.get('ttl'));
    const writer = new Writer();
    writer.value(form);
    const { signing } = requiredAgent(this.#agent);
    return new Uint8Array(call('outboxSign', this.#handle, signing, copy, writer.done(), undefined));
  }

  /** Forgets a session that is over. */
  close(session) {
    call('outboxClose', this.#handle, sessionId(session));
  }

  /** The state, to be stored after a message was signed and before it is sent. */
  encode() {
    return new Uint8Array(call('outboxEncode', this.#handle));
  }

  [inspect.custom]() {
    return `Outbox(${inspect(this.#agent)})`;
  }
}

/** A message that was received: signed by a known sender, for this recipient, the next of its session. */
class ReceivedMessage {
  #info;
  #payload;

  constructor(token, info, payload) {
    onlyNative(token, 'ReceivedMessage');
    this.#info = info;
    this.#payload = payload;
    Object.freeze(this);
  }

  get payload() {
    return new Uint8Array(this.#payload);
  }

  get sender() {
    return publicKey(this.#info.sender);
  }

  get session() {
    return this.#info.session;
  }

  get sequence() {
    return this.#info.sequence;
  }

  get id() {
    return this.#info.id;
  }

  /** The hash of the token that it is about. No authority. */
  get token() {
    return this.#info.token ?? null;
  }

  get issued() {
    return this.#info.issued;
  }

  [inspect.custom]() {
    return `ReceivedMessage(${this.session} ${this.sequence})`;
  }
}

/** One recipient's messages: the senders that it knows, and how far each of their sessions is. */
class Inbox {
  #handle;
  #clock;

  constructor(name, given) {
    const known = options(given, ['know', 'capacity', 'state', 'clock'], 'Inbox');
    const recipient = text(name, 'name-invalid', 'recipient');
    const capacity = orElse(known, 'capacity', 1024);
    if (!Number.isSafeInteger(capacity) || capacity < 1 || capacity > 0xffffffff) throw failure('config-invalid', 'the capacity of an inbox:', kindOf(capacity));
    this.#clock = clockOf(known.get('clock'));
    this.#handle = known.has('state')
      ? call('inboxDecode', Buffer.from(bytes(known.get('state'), 'malformed', 'a state')), recipient, capacity)
      : call('inboxNew', recipient, capacity, millisOf(this.#clock));
    const senders = orElse(known, 'know', []);
    if (!Array.isArray(senders)) throw failure('config-invalid', 'know is a list, not', kindOf(senders));
    Array.from(senders).forEach((sender) => this.know(sender));
    Object.freeze(this);
  }

  /** An inbox that goes on from a state. It knows nobody until it is told. */
  static decode(state, name, given) {
    return new Inbox(name, { ...Object.fromEntries(options(given, ['know', 'capacity', 'clock'], 'Inbox.decode')), state: bytes(state, 'malformed', 'a state') });
  }

  /** Knows a sender from now on. */
  know(sender) {
    call('inboxKnow', this.#handle, keyOf(sender));
  }

  /** Does not know a sender any more. */
  forget(sender) {
    call('inboxForget', this.#handle, keyOf(sender));
  }

  /** Refuses a session from now on. */
  close(session) {
    call('inboxClose', this.#handle, sessionId(session), millisOf(this.#clock));
  }

  /** Receives a message with the payload that came beside it, in the session that is expected, if one is. */
  receive(message, payload, given) {
    const copies = [Buffer.from(bytes(message, 'malformed', 'a message')), payloadOf(payload)];
    const expected = options(given, ['session'], 'receive').get('session');
    const session = expected === undefined ? undefined : sessionId(expected);
    const info = read(call('inboxReceive', this.#handle, ...copies, session, millisOf(this.#clock)));
    return new ReceivedMessage(NATIVE, info, copies[1]);
  }

  /** The state, to be stored after a message was received and before it is acted on. */
  encode() {
    return new Uint8Array(call('inboxEncode', this.#handle));
  }

  [inspect.custom]() {
    return 'Inbox';
  }
}

module.exports = { Inbox, Outbox, ReceivedMessage };
