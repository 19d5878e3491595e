'use strict';
const { inspect, types } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read, write } = require('./tape.cjs');
const { bytes, kindOf } = require('./options.cjs');
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

  encode() {
    return new Uint8Array(this.#encoding);
  }

  [inspect.custom]() {
    return `Constraint(${this.#encoding.toString('hex').slice(0, 64)})`;
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

function make(name, operands) {
  const writer = new Writer();
  writer.list(operands.length);
  operands.forEach((operand) => writer.value(operand, 1));
  return new Constraint(NATIVE, call('constraintMake', name, writer.done()));
}

function compose(name, parts) {
  const writer = new Writer();
  writer.list(parts.length);
  parts.forEach((part) => writer.bytes(required(part)));
  return new Constraint(NATIVE, call('constraintMake', name, writer.done()));
}

function bound(number) {
  if (typeof number !== 'number' && typeof number !== 'bigint') throw failure('constraint-invalid', 'a bound is a number, not', kindOf(number));
  return number;
}

function flag(value, name) {
  if (typeof value !== 'boolean') throw failure('constraint-invalid', 'true or false:', name);
  return value;
}

const anything = () => make('any', []);
const exact = (value) => make('exact', [value]);
const atLeast = (min) => make('range', [bound(min), null, false, false]);
const atMost = (max) => make('range', [null, bound(max), false, false]);
const between = (min, max) => make('range', [bound(min), bound(max), false, false]);
const inRange = (min, max, minOpen = false, maxOpen = false) =>
  make('range', [min === null ? null : bound(min), max === null ? null : bound(max), flag(minOpen, 'minOpen'), flag(maxOpen, 'maxOpen')]);
const oneOf = (...values) => make('one_of', values);
const notOneOf = (...values) => make('not_one_of', values);
const contains = (...values) => make('contains', values);
const subset = (...values) => make('subset', values);
const allOf = (...parts) => compose('all_of', parts);
const anyOf = (...parts) => compose('any_of', parts);

function path(root) {
  if (typeof root !== 'string') throw failure('constraint-invalid', 'a path is a text, not', kindOf(root));
  return make('path', [root]);
}

const optional = (entry) => new Optional(NATIVE, constraintOf(entry));

/** The constraint that an entry of `tools` stands for. */
function constraintOf(entry) {
  if (encodingOf(entry) !== undefined) return entry;
  if (types.isProxy(entry)) return exact(entry);
  if (Array.isArray(entry)) return oneOf(...elements(entry));
  if (typeof entry === 'object' && entry !== null && !types.isUint8Array(entry)) {
    throw failure('constraint-invalid', 'not a constraint or a plain value (a map is written exact({…})):', kindOf(entry));
  }
  return exact(entry);
}

/** The elements of a list as they are now; holes, getters and classes are refused as in any value. */
function elements(list) {
  return read(write(list));
}

module.exports = {
  Constraint, Optional, encodingOf, optionalEntry, constraintOf,
  functions: { anything, exact, atLeast, atMost, between, inRange, oneOf, notOneOf, contains, subset, allOf, anyOf, path, optional },
};
