'use strict';
// What functions take beside values: options, texts, bytes, times. Everything is read once.
const { types } = require('node:util');
const { failure } = require('./native.cjs');
const { copyBytes } = require('./tape.cjs');

/** The options that are given, by name; `undefined` is as if left out. An option that is not known is refused: it may be a misspelt restriction. */
function options(given, known, where) {
  const read = new Map();
  if (given === undefined) return read;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw failure('config-invalid', 'no options:', where);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw failure('config-invalid', `${where} has no option`, name);
    const value = given[name];
    if (value !== undefined) read.set(name, value);
  }
  return read;
}

/** An option, or what stands for one that is left out; `null` is given. */
function orElse(read, name, otherwise) {
  return read.has(name) ? read.get(name) : otherwise;
}

function text(value, code, what) {
  if (typeof value !== 'string' || !value.isWellFormed()) throw failure(code, 'not a text:', what);
  return value;
}

/** A copy of bytes. */
function bytes(value, code, what) {
  const copy = types.isUint8Array(value) ? copyBytes(value) : undefined;
  if (copy === undefined) throw failure(code, 'not bytes:', what);
  return copy;
}

function count(value, code, what) {
  if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) throw failure(code, 'not a count:', what);
  return value;
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds from a number or a text such as `"10m"`. */
function seconds(value, what = 'ttl') {
  if (typeof value === 'string') {
    const [, digits, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(value) ?? [];
    if (digits === undefined) throw failure('claim-invalid', what, value);
    return Number(digits) * UNITS[unit];
  }
  if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) throw failure('claim-invalid', what, typeof value === 'number' ? value : typeof value);
  return value;
}

/** What tools are called in tokens, by their names here. */
function toolNames(value, where) {
  const names = new Map();
  if (value === undefined) return names;
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [[]];
  for (const [here, inTokens] of entries) {
    if (typeof inTokens !== 'string') throw failure('config-invalid', 'tools are names here and names in tokens:', where);
    names.set(here, inTokens);
  }
  return names;
}

/** A name for inspection and errors that never runs anything of the value. */
function kindOf(value) {
  return value === null ? 'null' : typeof value;
}

module.exports = { options, orElse, text, bytes, count, seconds, toolNames, kindOf };
