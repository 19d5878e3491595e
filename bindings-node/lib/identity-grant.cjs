'use strict';
const { failure } = require('./native.cjs');
const { Writer, isMap } = require('./tape.cjs');
const { bytes, kindOf, options, seconds, text } = require('./options.cjs');

const TEXTS = ['kind', 'state', 'environment', 'attestor'];

/** What an authority says of somebody, beside what is certain already, on a tape. */
function identityTape(given, where, certain = {}) {
  const read = options(given, [...TEXTS, 'attributes', 'evidence', 'ttl'], where);
  const form = { ...certain };
  for (const name of TEXTS) if (read.has(name)) form[name] = text(read.get(name), name === 'environment' || name === 'attestor' ? 'name-invalid' : 'claim-invalid', name);
  if (read.has('attributes')) form.attributes = attributesOf(read.get('attributes'), 'claim-invalid');
  if (read.has('evidence')) form.evidence = bytes(read.get('evidence'), 'claim-invalid', 'evidence');
  if (read.has('ttl')) form.ttl = seconds(read.get('ttl'));
  const writer = new Writer();
  writer.value(form);
  return writer.done();
}

function attributesOf(value, code) {
  if (!isMap(value)) throw failure(code, 'attributes are a plain object, not', kindOf(value));
  return value;
}

module.exports = { attributesOf, identityTape };
