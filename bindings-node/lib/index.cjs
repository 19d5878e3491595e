'use strict';
const { codes } = require('./native.cjs');
const { DeputizeError, Denied } = require('./errors.cjs');
const { SigningKey, VerifyingKey } = require('./keys.cjs');
const constraints = require('./constraints.cjs');
const { encodeTools, decodeTools, toolsSubsume } = require('./tools.cjs');
const { encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson } = require('./values.cjs');
const { Budget } = require('./budget.cjs');
const { Session, joinContexts } = require('./session.cjs');
const { Chain, Presentation } = require('./chain.cjs');
const { Approval, Consent, Identity } = require('./evidence.cjs');
const { Agent } = require('./agent.cjs');
const { Actor, SubAgent, acting, currentActor } = require('./actor.cjs');
const { ApprovalPolicy, ApprovalRequest } = require('./approval.cjs');
const { Approver } = require('./approver.cjs');
const { IdentityPolicy, IdentityRule } = require('./identity.cjs');
const { AuditRecord } = require('./audit.cjs');
const {
  AuditEvent, AuditLog, Checkpoint, CheckpointPolicy, LogCheck, LogReport, NoteKey, Witness, checkLog, logFiles, makeReceipt, openCalls,
  proveConsistency, readLog, recordSentence, verifyReceipt,
} = require('./log.cjs');
const { openBeneath } = require('./files.cjs');
const { Authorized, VerifiedChain } = require('./outcome.cjs');
const { MemoryStore, TrustAnchor } = require('./trust.cjs');
const { RevocationList, Target, rotate } = require('./revocation.cjs');
const { Authority, ListLoader, TrustState } = require('./trust-state.cjs');
const { StateFile } = require('./state-file.cjs');
const { RenewalPolicy } = require('./renewal.cjs');
const { Verifier } = require('./verifier.cjs');
const { Guard, caller } = require('./guarding.cjs');
const { CodeAttestor, JwtAttestor, ParentAttestor } = require('./attestor.cjs');
const { Admitted, Registrar, measure } = require('./enrolment.cjs');
const { Inbox, Outbox, ReceivedMessage } = require('./message.cjs');

module.exports = {
  Agent, Chain, Presentation, SigningKey, VerifyingKey, TrustAnchor, Verifier, Authorized, VerifiedChain,
  AuditEvent, AuditLog, AuditRecord, Checkpoint, CheckpointPolicy, LogCheck, LogReport, NoteKey, Witness,
  checkLog, logFiles, makeReceipt, openCalls, proveConsistency, readLog, recordSentence, verifyReceipt,
  MemoryStore, DeputizeError, Denied, openBeneath, codes: deepFreeze(codes()),
  Budget, Session, joinContexts, Approval, ApprovalPolicy, ApprovalRequest, Approver, Consent,
  Identity, IdentityPolicy, IdentityRule, Registrar, Admitted, ParentAttestor, CodeAttestor, JwtAttestor, measure,
  Actor, SubAgent, acting, currentActor, Guard, caller,
  Inbox, Outbox, ReceivedMessage, TrustState, Authority, ListLoader, RevocationList, StateFile, Target, rotate, RenewalPolicy,
  ...constraints,
  encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson, encodeTools, decodeTools, toolsSubsume,
};

function deepFreeze(rows) {
  return Object.freeze(rows.map(Object.freeze));
}
