'use strict';
// What an approver is asked, and what a verifier wants approved.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, isMap, read } = require('./tape.cjs');
const { bytes, kindOf, options, orElse, text } = require('./options.cjs');
const { NATIVE, publicKey } = require('./keys.cjs');
const { requiredChain } = require('./chain.cjs');
const { requirementsOf, writeRequirement } = require('./grant.cjs');
const { argumentsTape } = require('./values.cjs');

/** One character more than the longest text form of a request. */
const MOST_TEXT = Math.ceil((65536 + 1024 * 1024 + 1024) / 3) * 4 + 1;

let handleOf;

/** A call that somebody is asked to approve. The chain holds together by its hashes; its signatures are unverified. */
class ApprovalRequest {
  #handle;
  #info;
  static {
    handleOf = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
  }

  /** The request for a call that was refused with `approval-required`. */
  constructor(chain, tool, args, audience, given) {
    if (chain === NATIVE) this.#handle = tool;
    else {
      const holding = requiredChain(chain);
      const tape = argumentsTape(args);
      const context = options(given, ['context'], 'ApprovalRequest').get('context');
      const named = [text(tool, 'name-invalid', 'tool'), text(audience, 'name-invalid', 'audience')];
      const partition = context === undefined ? undefined : text(context, 'claim-invalid', 'context');
      this.#handle = call('requestMake', holding, named[0], tape, named[1], partition);
    }
    Object.freeze(this);
  }

  static decode(encoding) {
    return new ApprovalRequest(NATIVE, call('requestDecode', Buffer.from(bytes(encoding, 'malformed', 'a request for approval'))));
  }

  static fromText(encoding) {
    return new ApprovalRequest(NATIVE, call('requestFromText', text(encoding, 'text-malformed', 'a request for approval').slice(0, MOST_TEXT)));
  }

  get bytes() {
    return new Uint8Array(call('requestBytes', this.#handle));
  }

  /** The text form of the bytes. */
  get textForm() {
    return call('toText', call('requestBytes', this.#handle));
  }

  /** What a person has to see before signing. */
  get text() {
    return call('requestText', this.#handle);
  }

  get #read() {
    return (this.#info ??= read(call('requestInfo', this.#handle)));
  }

  /** As in the refusal of the call. */
  get id() {
    return this.#read.id;
  }

  get principal() {
    return this.#read.principal;
  }

  get mode() {
    return this.#read.mode;
  }

  get tool() {
    return this.#read.tool;
  }

  /** Frozen, with bytes in a copy of their own. */
  get arguments() {
    return read(call('requestInfo', this.#handle)).arguments;
  }

  get audience() {
    return this.#read.audience;
  }

  get context() {
    return this.#read.context ?? null;
  }

  get session() {
    return this.#read.session;
  }

  /** The keys of the holders, root first. The last one calls. */
  get holders() {
    return this.#read.holders.map(publicKey);
  }

  get expires() {
    return this.#read.expires;
  }

  get reason() {
    return this.#read.reason ?? null;
  }

  toString() {
    return this.text;
  }

  toJSON() {
    return this.textForm;
  }

  [inspect.custom]() {
    return `ApprovalRequest(${this.id})`;
  }
}

function requiredRequest(value) {
  const handle = handleOf(value);
  if (handle === undefined) throw failure('malformed', 'not an ApprovalRequest:', kindOf(value));
  return handle;
}

let policyTape;

/** What has to be approved at a verifier. A tool that is not listed needs the approvals of all. */
class ApprovalPolicy {
  #tape;
  static {
    policyTape = (value) => (typeof value === 'object' && value !== null && #tape in value ? value.#tape : undefined);
  }

  constructor(count, approvers, given) {
    const read = options(given, ['harmless', 'require', 'byAnnotation'], 'ApprovalPolicy');
    const byAnnotation = orElse(read, 'byAnnotation', false);
    if (typeof byAnnotation !== 'boolean') throw failure('config-invalid', 'true or false:', 'byAnnotation');
    const harmless = orElse(read, 'harmless', []);
    if (!Array.isArray(harmless)) throw failure('config-invalid', 'harmless tools are a list, not', kindOf(harmless));
    const writer = new Writer();
    writer.map(4);
    writer.key('unlisted');
    writeRequirement(writer, 'any', count, approvers, 'config-invalid');
    writer.key('harmless');
    writer.value(Array.from(harmless, (tool) => text(tool, 'config-invalid', 'harmless')));
    writer.key('require');
    writeRequired(writer, orElse(read, 'require', {}));
    writer.key('byAnnotation');
    writer.boolean(byAnnotation);
    this.#tape = Buffer.from(writer.done());
    call('approvalPolicyCheck', this.#tape);
    Object.freeze(this);
  }

  [inspect.custom]() {
    return 'ApprovalPolicy';
  }
}

/** `{tool: {count, approvers}}`, or `{tool: [{count, approvers}, …]}`. */
function writeRequired(writer, value) {
  if (!isMap(value)) throw failure('config-invalid', 'require is a plain object, not', kindOf(value));
  const rules = Object.keys(value).flatMap((tool) => requirementsOf(value[tool], 'config-invalid').map((rule) => [tool, options(rule, ['count', 'approvers'], 'require')]));
  writer.list(rules.length);
  for (const [tool, rule] of rules) writeRequirement(writer, tool, rule.get('count'), rule.get('approvers'), 'config-invalid');
}

module.exports = { ApprovalPolicy, ApprovalRequest, policyTape, requiredRequest };
