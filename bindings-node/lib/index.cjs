'use strict';
const { codes } = require('./native.cjs');
const { DeputizeError, Denied } = require('./errors.cjs');
const { SigningKey, VerifyingKey } = require('./keys.cjs');
const constraints = require('./constraints.cjs');
const { encodeTools, decodeTools, toolsSubsume } = require('./tools.cjs');
const { encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson } = require('./values.cjs');
const { Chain, Presentation } = require('./chain.cjs');
const { Agent } = require('./agent.cjs');
const { AuditLog, AuditRecord } = require('./audit.cjs');
const { openBeneath } = require('./files.cjs');
const { Authorized, VerifiedChain } = require('./outcome.cjs');
const { MemoryStore, TrustAnchor } = require('./trust.cjs');
const { Verifier } = require('./verifier.cjs');

module.exports = {
  Agent, Chain, Presentation, SigningKey, VerifyingKey, TrustAnchor, Verifier, Authorized, VerifiedChain,
  AuditLog, AuditRecord, MemoryStore, DeputizeError, Denied, openBeneath, codes: deepFreeze(codes()),
  ...constraints,
  encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson, encodeTools, decodeTools, toolsSubsume,
};

function deepFreeze(rows) {
  return Object.freeze(rows.map(Object.freeze));
}
