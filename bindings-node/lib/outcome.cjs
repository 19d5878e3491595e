'use strict';
// What comes of a decision, as objects.
const { inspect } = require('node:util');
const { call } = require('./native.cjs');
const { Denied } = require('./errors.cjs');
const { read, readOwn, write } = require('./tape.cjs');
const { text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');
const { AuditRecord } = require('./audit.cjs');
const { claimsFrom } = require('./chain.cjs');

/** A chain whose links, times and narrowing were verified. It says who could call, not that anybody did. */
class VerifiedChain {
  #view;

  constructor(token, tape) {
    onlyNative(token, 'VerifiedChain');
    const view = read(tape);
    this.#view = { ...view, claims: Object.freeze(view.claims.map(claimsFrom)) };
    Object.freeze(this);
  }

  get caller() {
    return this.#view.caller;
  }

  get principal() {
    return this.#view.principal;
  }

  get issuer() {
    return this.#view.issuer;
  }

  get claims() {
    return this.#view.claims;
  }

  get expires() {
    return this.#view.expires;
  }

  [inspect.custom]() {
    return `VerifiedChain(${this.caller} for ${this.principal})`;
  }
}

let authorizedHandle;

/** An allowed call. What is read of it comes from the native part when somebody looks: most programs look at little. */
class Authorized {
  #handle;
  #info;
  #arguments;
  #chain;
  #record;

  static {
    authorizedHandle = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'Authorized');
    this.#handle = handle;
  }

  get #read() {
    return (this.#info ??= read(call('authorizedInfo', this.#handle)));
  }

  get caller() {
    return this.#read.caller;
  }

  get onBehalfOf() {
    return this.#read.onBehalfOf;
  }

  get tool() {
    return this.#read.tool;
  }

  /** The arguments that were decided about: frozen. Bytes cannot be frozen, so arguments with bytes in them are a new copy each time. */
  get arguments() {
    if (this.#arguments !== undefined) return this.#arguments;
    const copy = read(call('authorizedArguments', this.#handle));
    if (!holdsBytes(copy)) this.#arguments = copy;
    return copy;
  }

  get chain() {
    return (this.#chain ??= new VerifiedChain(NATIVE, call('authorizedChain', this.#handle)));
  }

  /** Checks another value of an argument as that of the call was: where a redirect leads. */
  checkValue(argument, value) {
    call('authorizedCheckValue', this.#handle, text(argument, 'argument-unexpected', 'the name of an argument'), write(value));
  }

  /** Checks the network address that the host of an argument resolved to, before the connection is opened. */
  checkAddress(argument, address) {
    const named = text(argument, 'argument-unexpected', 'the name of an argument');
    call('authorizedCheckAddress', this.#handle, named, text(address, 'argument-refused', 'an address'));
  }

  /** Checks the partition of what a tool is about to read or write: the leaf's context, or one below it. */
  checkContext(context) {
    call('authorizedCheckContext', this.#handle, text(context, 'context-mismatch', 'a context'));
  }

  get expires() {
    return this.#read.expires;
  }

  get ignored() {
    return this.#read.ignored;
  }

  get record() {
    return (this.#record ??= new AuditRecord(NATIVE, this.#handle));
  }

  /** The decision in one sentence. */
  get audit() {
    return this.record.sentence;
  }

  [inspect.custom]() {
    return `Authorized(${this.audit})`;
  }
}

/** The arguments that were decided about, as a tool may have them: a copy of its own. */
function argumentsFor(authorized) {
  return readOwn(call('authorizedArguments', authorizedHandle(authorized)));
}

function holdsBytes(value) {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Uint8Array || Object.values(value).some(holdsBytes);
}

/** A denial from its outcome. */
function deniedFrom(refused) {
  const requestId = Object.hasOwn(refused, 'requestId') ? refused.requestId : null;
  return new Denied({ ...JSON.parse(refused.error), requestId }, new AuditRecord(NATIVE, refused.decision));
}

module.exports = { Authorized, VerifiedChain, argumentsFor, authorizedHandle, deniedFrom };
