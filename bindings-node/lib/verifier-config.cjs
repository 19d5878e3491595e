'use strict';
// What a verifier is made of.
const { failure } = require('./native.cjs');
const { Writer, isMap } = require('./tape.cjs');
const { kindOf, orElse, text } = require('./options.cjs');
const { policyTape } = require('./approval.cjs');
const { keyOf } = require('./holder.cjs');
const { identityPolicyTape } = require('./identity.cjs');
const { anchorOf, anchorTape } = require('./trust.cjs');

const OPTIONS = ['trust', 'audience', 'audit', 'store', 'clock', 'identities', 'approvals', 'principals', 'state', 'dangerAllowUnrecorded'];

/** The configuration for the native part: `{audience, anchors, principals}`, and the policies that are given. */
function configTape(read) {
  const trust = read.get('trust');
  if (trust === undefined) throw failure('config-invalid', 'Verifier needs', 'trust');
  const anchors = (Array.isArray(trust) ? Array.from(trust) : [trust]).map((anchor) => anchorTape(anchorOf(anchor)));
  const policies = [
    ['approvals', policyTape, 'an ApprovalPolicy'],
    ['identities', identityPolicyTape, 'an IdentityPolicy'],
  ].filter(([name]) => read.has(name));
  const writer = new Writer();
  writer.map(3 + policies.length);
  writer.key('audience');
  writer.text(text(read.get('audience'), 'config-invalid', 'audience'));
  writer.key('anchors');
  writer.list(anchors.length);
  anchors.forEach((anchor) => writer.bytes(anchor));
  writer.key('principals');
  writePrincipals(writer, orElse(read, 'principals', {}));
  for (const [name, tapeOf, what] of policies) {
    const tape = tapeOf(read.get(name));
    if (tape === undefined) throw failure('config-invalid', `${name} is ${what}, not`, kindOf(read.get(name)));
    writer.key(name);
    writer.bytes(tape);
  }
  return writer.done();
}

/** `{name: key}` */
function writePrincipals(writer, principals) {
  if (!isMap(principals)) throw failure('config-invalid', 'principals are a plain object, not', kindOf(principals));
  const names = Object.keys(principals);
  writer.list(names.length);
  for (const name of names) {
    writer.list(2);
    writer.text(text(name, 'name-invalid', 'principal'));
    writer.bytes(keyOf(principals[name]));
  }
}

module.exports = { OPTIONS, configTape };
