'use strict';
// For tests and tools: values as bytes, digests and JSON.
const { call, failure } = require('./native.cjs');
const { read, write } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');

/** The letter of a map on a tape. */
const MAP = 'M'.charCodeAt(0);

/** The arguments of a call as a tape: a map at the top. */
function argumentsTape(args) {
  const tape = write(args);
  if (tape[0] !== MAP) throw failure('value-unsupported', 'arguments are a plain object, not', kindOf(args));
  return tape;
}

const encodeValue = (value) => new Uint8Array(call('valueEncode', write(value)));
const decodeValue = (encoding) => read(call('valueDecode', Buffer.from(bytes(encoding, 'malformed', 'a value'))));
const argumentsDigest = (args) => new Uint8Array(call('argumentsDigest', argumentsTape(args)));
const valueFromJson = (json) => read(call('valueFromJson', text(json, 'malformed', 'JSON')));
const valueToJson = (value) => call('valueToJson', write(value));

module.exports = { argumentsTape, encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson };
