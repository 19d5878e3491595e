'use strict';
// What can be revoked in a store, as the native part reads it. Ids have one spelling: another would be a revocation that revokes nothing.
const { Writer } = require('./tape.cjs');
const { text } = require('./options.cjs');
const { agentOf, keyOf } = require('./holder.cjs');
const { approvalId, sessionId, taskDigest, tokenId } = require('./ids.cjs');

function tape(kind, ...parts) {
  const writer = new Writer();
  writer.value([kind, ...parts]);
  return writer.done();
}

const issuerOf = (issuer) => agentOf(issuer)?.name ?? text(issuer, 'name-invalid', 'the name of an issuer');

const targets = {
  token: (id) => tape('token', tokenId(id)),
  key: (key) => tape('key', keyOf(key)),
  session: (issuer, session) => tape('session', issuerOf(issuer), sessionId(session)),
  task: (issuer, task) => tape('task', issuerOf(issuer), taskDigest(task)),
  approval: (approver, id) => tape('approval', keyOf(approver), approvalId(id)),
};

module.exports = { targets };
