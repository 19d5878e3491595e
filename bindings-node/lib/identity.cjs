'use strict';
// What a verifier asks of the holders of a chain.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read } = require('./tape.cjs');
const { kindOf, options, text } = require('./options.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { identityBytes, identityFrom } = require('./evidence.cjs');
const { attributesOf } = require('./identity-grant.cjs');
const { writeNamedKeys } = require('./holder.cjs');

let ruleForm;

/** These holders have an identity, and it meets every condition. */
class IdentityRule {
  #form;
  static {
    ruleForm = (value) => (typeof value === 'object' && value !== null && #form in value ? value.#form : undefined);
  }

  constructor(on, given) {
    const known = options(given, ['kind', 'environment', 'attributes', 'attestors'], 'IdentityRule');
    const form = { on: text(on, 'config-invalid', 'on') };
    for (const name of ['kind', 'environment']) if (known.has(name)) form[name] = text(known.get(name), 'config-invalid', name);
    if (known.has('attributes')) form.attributes = attributesOf(known.get('attributes'), 'config-invalid');
    if (known.has('attestors')) {
      const names = known.get('attestors');
      if (!Array.isArray(names)) throw failure('config-invalid', 'attestors are a list of names, not', kindOf(names));
      form.attestors = Array.from(names, (name) => text(name, 'config-invalid', 'attestors'));
    }
    const writer = new Writer();
    writer.value(form);
    this.#form = read(writer.done());
    Object.freeze(this);
  }

  [inspect.custom]() {
    return `IdentityRule(on ${this.#form.on})`;
  }
}

let policyTape;

/** The authorities whose documents count, and the rules that the holders of a chain have to meet. */
class IdentityPolicy {
  #tape;
  #handle;
  static {
    policyTape = (value) => (typeof value === 'object' && value !== null && #tape in value ? value.#tape : undefined);
  }

  constructor(authorities, rules = []) {
    if (authorities === undefined) throw failure('config-invalid', 'IdentityPolicy needs', 'authorities');
    if (!Array.isArray(rules)) throw failure('config-invalid', 'rules are a list, not', kindOf(rules));
    const forms = Array.from(rules, (rule) => {
      const form = ruleForm(rule);
      if (form === undefined) throw failure('config-invalid', 'not an IdentityRule:', kindOf(rule));
      return form;
    });
    const writer = new Writer();
    writer.map(2);
    writer.key('authorities');
    writeNamedKeys(writer, authorities, 'an identity authority');
    writer.key('rules');
    writer.value(forms);
    this.#tape = Buffer.from(writer.done());
    this.#handle = call('identityPolicyNew', this.#tape);
    Object.freeze(this);
  }

  /** What a document says, if one of the authorities signed it and it is valid now. The rules are for chains. */
  verify(identity, given) {
    const clock = clockOf(options(given, ['clock'], 'verify').get('clock'));
    return identityFrom(read(call('identityVerify', this.#handle, identityBytes(identity), millisOf(clock))));
  }

  [inspect.custom]() {
    return 'IdentityPolicy';
  }
}

module.exports = { IdentityPolicy, IdentityRule, identityPolicyTape: policyTape };
