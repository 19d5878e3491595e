// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './index.cjs';

export const {
  Agent, Chain, Presentation, SigningKey, VerifyingKey, TrustAnchor, Verifier, Authorized, VerifiedChain,
  AuditLog, AuditRecord, MemoryReplayStore, DeputizeError, Denied, codes, Constraint, Optional, anything,
  exact, atLeast, atMost, between, inRange, oneOf, notOneOf, contains, subset, allOf, anyOf, path, optional,
  encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson, encodeTools, decodeTools,
  toolsSubsume,
} = implementation;
