'use strict';
const { inspect, types } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, isMap, read, write } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');

const VALUE_CODES = new Set(['value-unsupported', 'too-deep', 'too-many', 'too-large']);

let encodingOf;

/** What values an argument may have. */
class Constraint {
  #encoding;
  static {
    encodingOf = (value) => (typeof value === 'object' && value !== null && #encoding in value ? value.#encoding : undefined);
  }

  constructor(token, encoding) {
    onlyNative(token, 'Constraint');
    this.#encoding = Buffer.from(encoding);
    Object.freeze(this);
  }

  static decode(encoding) {
    const copy = Buffer.from(bytes(encoding, 'malformed', 'a constraint'));
    call('constraintCheck', copy);
    return new Constraint(NATIVE, copy);
  }

  /** Whether the value is accepted; one that cannot be signed is not. */
  accepts(value) {
    let tape;
    try {
      tape = write(value);
    } catch (error) {
      if (VALUE_CODES.has(error.code)) return false;
      throw error;
    }
    return call('constraintAccepts', this.#encoding, tape);
  }

  subsumes(child) {
    return call('constraintSubsumes', this.#encoding, required(child));
  }

  /** A value that the child accepts and this one does not, as `{value}`; `null` if it is narrower, and where none was found. */
  counterexample(child) {
    const tape = call('constraintCounterexample', this.#encoding, required(child));
    return tape === null ? null : { value: read(tape) };
  }

  /** The tightest constraint that accepts only what this one and the wanted one both accept. */
  narrow(wanted) {
    return new Constraint(NATIVE, call('constraintNarrow', this.#encoding, required(wanted)));
  }

  encode() {
    return new Uint8Array(this.#encoding);
  }

  /** What a value must be. */
  toString() {
    return call('constraintText', this.#encoding);
  }

  [inspect.custom]() {
    return `Constraint(${this})`;
  }
}

let optionalEntry;

/** An argument that may be left out. */
class Optional {
  #entry;
  static {
    optionalEntry = (value) => (typeof value === 'object' && value !== null && #entry in value ? value.#entry : undefined);
  }

  constructor(token, constraint) {
    onlyNative(token, 'Optional');
    this.#entry = constraint;
    Object.freeze(this);
  }

  get constraint() {
    return this.#entry;
  }

  [inspect.custom]() {
    return `optional(${inspect(this.#entry)})`;
  }
}

function required(constraint) {
  const encoding = encodingOf(constraint);
  if (encoding === undefined) throw failure('constraint-invalid', 'not a constraint:', kindOf(constraint));
  return encoding;
}

/** What a program may have meant by something that is no value, and what to write for it. */
function advice(value) {
  if (encodingOf(value) !== undefined) return 'a constraint among values; combine constraints with anyOf or allOf;';
  if (optionalEntry(value) !== undefined) return 'optional(…) where there is no argument or field';
  if (types.isDate(value)) return 'a Date; write its text, or timeWindow(from, until);';
  if (types.isRegExp(value)) return "a RegExp; write regex('…');";
  if (types.isMap(value)) return 'a Map; write a plain object;';
  if (types.isSet(value)) return 'a Set among values; write an array;';
  return typeof value === 'function' ? 'a function; call it, if it makes a constraint;' : undefined;
}

/** A constraint of what is written: the name of a kind and its operands. */
function make(name, count, write) {
  const writer = new Writer(advice);
  head(writer, name, count);
  write(writer);
  return new Constraint(NATIVE, call('constraintMake', writer.done()));
}

function head(writer, name, count) {
  writer.list(2);
  writer.text(name);
  writer.count(1, count);
  writer.list(count);
}

/** Writes the encoding of a constraint. What is made of large ones again and again is refused before it fills the memory. */
function writePart(writer, encoding) {
  writer.bounded(encoding.length);
  writer.bytes(encoding);
}

const ofValues = (name, values) => make(name, values.length, (writer) => values.forEach((value) => writer.value(value)));
const ofParts = (name, parts) => make(name, parts.length, (writer) => parts.forEach((part) => writePart(writer, required(part))));

function ofText(name, operand) {
  if (typeof operand !== 'string') throw failure('constraint-invalid', `${name} is made of a text, not of`, kindOf(operand));
  return ofValues(name, [operand]);
}

function bound(number) {
  if (typeof number !== 'number' && typeof number !== 'bigint') throw failure('constraint-invalid', 'a bound is a number, not', kindOf(number));
  return number;
}

const toISOString = Date.prototype.toISOString;

/** A time as the native part reads it. A Date is a text, so that one that is not on a whole second is refused as that text is. */
function time(bound) {
  if (!types.isDate(bound)) return bound;
  try {
    return toISOString.call(bound);
  } catch {
    throw failure('constraint-invalid', 'a Date that is', 'invalid');
  }
}

const anything = () => ofValues('any', []);
const exact = (value) => ofValues('exact', [value]);
const atLeast = (min) => ofValues('range', [bound(min), null]);
const atMost = (max) => ofValues('range', [null, bound(max)]);
const between = (min, max) => ofValues('range', [bound(min), bound(max)]);
const inRange = (bounds) => ofValues('in_range', [bounds]);
const oneOf = (...values) => ofValues('one_of', values);
const notOneOf = (...values) => ofValues('not_one_of', values);
const contains = (...values) => ofValues('contains', values);
const subset = (...values) => ofValues('subset', values);
const allOf = (...parts) => ofParts('all_of', parts);
const anyOf = (...parts) => ofParts('any_of', parts);
const path = (root) => ofText('path', root);
const glob = (pattern) => ofText('glob', pattern);
const notGlob = (pattern) => ofText('not_glob', pattern);
const regex = (pattern) => ofText('regex', pattern);
const url = (hosts, options = {}) => ofValues('url', [hosts, options]);
const cidr = (network) => ofText('cidr', network);
const email = (...hosts) => ofValues('email', hosts);
const length = (min, max = null) => ofValues('length', [min, max]);
const timeWindow = (from, until) => ofValues('time_window', [time(from), time(until)]);
const each = (entry) => make('each', 1, (writer) => writeEntry(writer, entry, 1));
const optional = (entry) => new Optional(NATIVE, constraintOf(entry));

function fields(mapping) {
  if (!isMap(mapping)) throw failure('constraint-invalid', 'fields are a plain object, not', kindOf(mapping));
  return make('fields', 1, (writer) => writeRules(writer, mapping, 1));
}

/** The constraint that an entry of `tools` stands for. */
function constraintOf(entry) {
  if (encodingOf(entry) !== undefined) return entry;
  const writer = new Writer(advice);
  writeEntry(writer, entry, 1);
  return new Constraint(NATIVE, call('constraintMake', writer.done()));
}

/** Writes the entries of arguments or fields: `{name: [optional, constraint]}`. */
function writeRules(writer, rules, depth) {
  const names = Object.keys(rules);
  writer.count(depth, names.length);
  writer.map(names.length);
  for (const name of names) {
    writer.within(name, () => {
      const entry = writer.member(rules, name);
      const inner = optionalEntry(entry);
      writer.bounded(name.length);
      writer.key(text(name, 'name-invalid', 'the name of an argument or field'));
      writer.list(2);
      writer.boolean(inner !== undefined);
      writeEntry(writer, inner ?? entry, depth + 1);
    });
  }
}

const forEachOfSet = Set.prototype.forEach;

/** Writes a constraint: its encoding, or the kind that a natural value stands for and its operands. */
function writeEntry(writer, entry, depth) {
  const encoding = encodingOf(entry);
  if (encoding !== undefined) return writePart(writer, encoding);
  if (optionalEntry(entry) !== undefined) throw writer.refused('optional(…) is for an argument or field, at', 'constraint-invalid');
  if (types.isSet(entry)) {
    const values = [];
    forEachOfSet.call(entry, (value) => values.push(value));
    return writeOneOf(writer, values);
  }
  if (!types.isProxy(entry) && Array.isArray(entry)) return writeOneOf(writer, entry);
  if (isMap(entry)) {
    head(writer, 'fields', 1);
    return writeRules(writer, entry, depth);
  }
  head(writer, 'exact', 1);
  return writer.value(entry);
}

/** The list of the values is the list of the operands. */
function writeOneOf(writer, values) {
  writer.list(2);
  writer.text('one_of');
  writer.value(values, 0);
}

module.exports = {
  Constraint, Optional, optionalEntry, advice, writeEntry, writeRules,
  functions: {
    anything, exact, oneOf, notOneOf, atLeast, atMost, between, inRange, contains, subset, each, length, fields,
    path, glob, notGlob, regex, url, cidr, email, timeWindow, allOf, anyOf, optional,
  },
};
