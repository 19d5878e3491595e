// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './index.cjs';

export const {
  Agent, Chain, Presentation, SigningKey, VerifyingKey, TrustAnchor, Verifier, Authorized, VerifiedChain,
  AuditEvent, AuditLog, AuditRecord, Checkpoint, CheckpointPolicy, LogCheck, LogReport, NoteKey, Witness,
  checkLog, logFiles, makeReceipt, openCalls, proveConsistency, readLog, recordSentence, verifyReceipt,
  MemoryStore, DeputizeError, Denied, openBeneath, codes,
  Budget, Session, joinContexts, Approval, ApprovalPolicy, ApprovalRequest, Approver, Consent,
  Identity, IdentityPolicy, IdentityRule, Registrar, Admitted, ParentAttestor, CodeAttestor, JwtAttestor, measure,
  Actor, SubAgent, acting, currentActor, Guard, caller,
  Inbox, Outbox, ReceivedMessage, TrustState, Authority, ListLoader, RevocationList, StateFile, Target, rotate, RenewalPolicy,
  Constraint, Optional, anything, exact, oneOf, notOneOf, atLeast, atMost, between, inRange, contains, subset,
  each, length, fields, path, glob, notGlob, regex, url, cidr, email, timeWindow, allOf, anyOf, optional, isPublicAddress,
  encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson, encodeTools, decodeTools, toolsSubsume,
} = implementation;
