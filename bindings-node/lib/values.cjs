'use strict';
// For tests and tools: values as bytes, digests and JSON.
const { call, failure } = require('./native.cjs');
const { Writer, read, write } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');

/** Writes the arguments of a call first of all: a map. */
function writeArguments(writer, args) {
  writer.value(args);
  if (!writer.beginsWithMap()) throw failure('value-unsupported', 'arguments are a plain object, not', kindOf(args));
}

/** The arguments of a call as a tape. */
function argumentsTape(args) {
  const writer = new Writer();
  writeArguments(writer, args);
  return writer.done();
}

const encodeValue = (value) => new Uint8Array(call('valueEncode', write(value)));
const decodeValue = (encoding) => read(call('valueDecode', Buffer.from(bytes(encoding, 'malformed', 'a value'))));
const argumentsDigest = (args) => new Uint8Array(call('argumentsDigest', argumentsTape(args)));
const valueFromJson = (json) => read(call('valueFromJson', text(json, 'malformed', 'JSON')));
const valueToJson = (value) => call('valueToJson', write(value));

module.exports = { argumentsTape, writeArguments, encodeValue, decodeValue, argumentsDigest, valueFromJson, valueToJson };
