'use strict';
// Ids: their bytes, or the lower-case hex that claims and records show. There is no other spelling.
const { failure } = require('./native.cjs');
const { bytes } = require('./options.cjs');
const { approvalInfo } = require('./evidence.cjs');
const { sessionParts } = require('./session.cjs');

/** The bytes of an id of a fixed size. */
function idBytes(value, size, what) {
  if (typeof value === 'string') {
    if (value.length !== 2 * size || !/^[0-9a-f]+$/.test(value)) throw failure('claim-invalid', `not ${2 * size} lower-case hex digits:`, what);
    return Buffer.from(value, 'hex');
  }
  const id = bytes(value, 'claim-invalid', what);
  if (id.length !== size) throw failure('claim-invalid', `not ${size} bytes:`, what);
  return id;
}

const tokenId = (value) => idBytes(value, 16, 'the id of a token');
const approvalId = (value) => idBytes(approvalInfo(value)?.id ?? value, 16, 'the id of an approval');
const digest = (value, what) => idBytes(value, 32, what);
const sessionId = (value) => sessionParts(value)?.id ?? idBytes(value, 16, 'the id of a session');

/** A digest, or the one of the task that a session is for. */
const taskDigest = (value) => sessionParts(value)?.task ?? idBytes(value, 32, 'the digest of a task');

module.exports = { approvalId, digest, sessionId, taskDigest, tokenId };
