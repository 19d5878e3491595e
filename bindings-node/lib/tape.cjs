'use strict';
// Values in one run of bytes: a letter for the type, then the content; the twin of src/tape.rs. Whatever a program passes is read here once,
// into bytes that nobody else has, before anything is decided.
const { types } = require('node:util');
const { failure } = require('./native.cjs');

const MAX_DEPTH = 16;
const MAX_ITEMS = 65536;
const MAX_RUN = 1024 * 1024;
const MAP = 'M'.charCodeAt(0);
const WORD = 0x100000000;
/** What a writer that is used again may keep: room for any presentation. */
const KEPT = 128 * 1024;
const SHORT = 32;
const lengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length').get;
const setBytes = Uint8Array.prototype.set;

class Writer {
  #buffer = Buffer.alloc(512);
  #length = 0;
  #items = 0;
  #run = 0;
  #path = [];
  #advice;

  /** The advice says what an object is that is no value, and what to write for it. */
  constructor(advice = () => undefined) {
    this.#advice = advice;
  }

  /** Forgets what was written, for the next use. */
  clear() {
    if (this.#buffer.length > KEPT) this.#buffer = Buffer.alloc(512);
    this.#length = this.#items = this.#run = 0;
    if (this.#path.length > 0) this.#path = [];
  }

  /** The bytes written; they are the writer's. */
  done() {
    return this.#buffer.subarray(0, this.#length);
  }

  beginsWithMap() {
    return this.#length > 0 && this.#buffer[0] === MAP;
  }

  #room(count) {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + count));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #head(letter, length) {
    this.#room(5);
    this.#buffer[this.#length] = letter.charCodeAt(0);
    this.#length = this.#buffer.writeUInt32LE(length, this.#length + 1);
  }

  letter(letter) {
    this.#room(1);
    this.#buffer[this.#length++] = letter.charCodeAt(0);
  }

  boolean(value) {
    this.letter(value ? 'T' : 'F');
  }

  list(length) {
    this.#head('L', length);
  }

  map(length) {
    this.#head('M', length);
  }

  integer(value) {
    this.letter('I');
    this.#room(8);
    const high = Math.floor(value / WORD);
    this.#buffer.writeUInt32LE(value - high * WORD, this.#length);
    this.#length = this.#buffer.writeInt32LE(high, this.#length + 4);
  }

  text(text) {
    this.letter('S');
    this.key(text);
  }

  /** A text without its letter, as keys of maps are. */
  key(text) {
    if (this.#short(text)) return;
    if (!text.isWellFormed()) throw this.refused('text with a lone surrogate at');
    const size = Buffer.byteLength(text);
    this.#room(size + 4);
    this.#length = this.#buffer.writeUInt32LE(size, this.#length);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** A short text of ASCII takes longer to hand to an encoder than to write here. False, and nothing is written, if it is another. */
  #short(text) {
    const size = text.length;
    if (size > SHORT) return false;
    this.#room(size + 4);
    const buffer = this.#buffer;
    const start = this.#length + 4;
    for (let index = 0; index < size; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 127) return false;
      buffer[start + index] = unit;
    }
    buffer.writeUInt32LE(size, this.#length);
    this.#length = start + size;
    return true;
  }

  bytes(bytes) {
    this.#head('B', bytes.length);
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes of a program's view, copied at once and at most so many; false, and nothing is written, if its buffer is gone. */
  view(view, most = MAX_RUN) {
    const size = Reflect.apply(lengthOf, view, []);
    this.#room(size + 5);
    try {
      Reflect.apply(setBytes, this.#buffer, [view, this.#length + 5]);
    } catch {
      return false;
    }
    this.#head('B', Math.min(size, most));
    this.#length += Math.min(size, most);
    return true;
  }

  /** One value of a program, by the table in docs/api.md. */
  value(value, depth = 1) {
    switch (typeof value) {
      case 'boolean':
        return this.boolean(value);
      case 'number':
        return this.#number(value);
      case 'bigint':
        return this.#bigint(value);
      case 'string':
        this.bounded(value.length);
        return this.text(value);
      case 'object':
        return value === null ? this.letter('N') : this.#object(value, depth);
      default:
        throw this.unfit(value, typeof value);
    }
  }

  /** The part of a value that has this name; refusals say where they are. */
  within(name, run) {
    this.#path.push(name);
    run();
    this.#path.pop();
  }

  #number(value) {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return this.integer(value);
    if (!Number.isFinite(value) || Number.isInteger(value)) throw this.refused(`the number ${Object.is(value, -0) ? '-0' : value} at`);
    this.letter('D');
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  #bigint(value) {
    if (BigInt.asIntN(64, value) !== value) throw this.refused('an integer beyond 64 bits at');
    this.letter('I');
    this.#room(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
  }

  #object(value, depth) {
    if (types.isProxy(value)) throw this.refused('a Proxy at');
    if (types.isUint8Array(value)) {
      this.bounded(Reflect.apply(lengthOf, value, []));
      if (!this.view(value)) throw this.refused('detached bytes at');
      return;
    }
    if (Array.isArray(value)) return this.#array(value, depth);
    if (!isPlain(value)) throw this.unfit(value, 'an object that is not plain');
    const keys = Object.keys(value);
    this.count(depth, keys.length);
    this.map(keys.length);
    for (const key of keys) {
      this.#path.push(key);
      this.bounded(key.length);
      this.key(key);
      this.value(this.member(value, key), depth + 1);
      this.#path.pop();
    }
  }

  #array(value, depth) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Array.prototype && !isArrayPrototype(prototype)) throw this.refused('an array of a class at');
    const { length } = value;
    this.count(depth, length);
    if (Object.keys(value).length !== length) throw this.refused('an array with holes or names at');
    this.list(length);
    for (let index = 0; index < length; index++) {
      this.#path.push(index);
      this.value(this.member(value, index), depth + 1);
      this.#path.pop();
    }
  }

  /** What a property holds, without running anything. */
  member(object, key) {
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property === undefined || !Object.hasOwn(property, 'value')) throw this.refused('a getter, setter or hole at');
    return property.value;
  }

  /** The rule of core, kept before the work: containers count when they are entered. */
  count(depth, more) {
    if (depth > MAX_DEPTH) throw this.refused('a value at', 'too-deep');
    this.#items += more;
    if (this.#items > MAX_ITEMS) throw this.refused('the items up to', 'too-many');
  }

  /** No text is shorter in UTF-8 than in UTF-16 units. */
  bounded(more) {
    this.#run += more;
    if (this.#run > MAX_RUN) throw this.refused('the value up to', 'too-large');
  }

  /** The refusal of something that is no value. */
  unfit(value, kind) {
    return this.refused(`${this.#advice(value) ?? kind} at`);
  }

  refused(what, code = 'value-unsupported') {
    return failure(code, what, shownPath(this.#path));
  }
}

function shownPath(path) {
  if (path.length === 0) return 'the top';
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part.slice(0, 64)}`)).join('').replace(/^\./, '');
}

/** A copy of the bytes of a view, whatever its buffer; none if the buffer is gone or has become too short. */
function copyBytes(view) {
  try {
    return new Uint8Array(view);
  } catch {
    return undefined;
  }
}

const tagOf = Object.prototype.toString;

function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && !isObjectPrototype(prototype)) return false;
  return !Object.hasOwn(value, Symbol.toStringTag) && tagOf.call(value) === '[object Object]';
}

/** Whether a value is a map: a plain object, and no Proxy. */
function isMap(value) {
  return typeof value === 'object' && value !== null && !types.isProxy(value) && !Array.isArray(value) && isPlain(value);
}

/** `Object.prototype` of another realm, such as a vm context. */
function isObjectPrototype(prototype) {
  return !types.isProxy(prototype) && Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** `Array.prototype` of another realm; it is an array itself. */
function isArrayPrototype(prototype) {
  if (prototype === null || types.isProxy(prototype) || !Array.isArray(prototype)) return false;
  const parent = Object.getPrototypeOf(prototype);
  return Object.hasOwn(prototype, 'copyWithin') && parent !== null && isObjectPrototype(parent);
}

let spare = new Writer();

/** The writer that calls use one after the other. It may be in use: a getter or a clock of the program's may make a call within a call. */
function takeWriter() {
  const writer = spare ?? new Writer();
  spare = undefined;
  return writer;
}

function giveBack(writer) {
  writer.clear();
  spare = writer;
}

/** A value as a tape. */
function write(value) {
  const writer = new Writer();
  writer.value(value);
  return writer.done();
}

/** Reads a tape: frozen lists, frozen maps without a prototype, integers as numbers if they are safe. Bytes are copies. */
function read(tape) {
  return readAs(tape, Object.freeze, () => Object.create(null));
}

/** The same as lists and plain objects of whoever gets them. */
function readOwn(tape) {
  return readAs(tape, (value) => value, () => ({}));
}

function readAs(tape, ready, empty) {
  let position = 0;
  const length = () => {
    position += 4;
    return tape.readUInt32LE(position - 4);
  };
  const text = () => {
    const end = length() + position;
    const taken = tape.toString('utf8', position, end);
    position = end;
    return taken;
  };
  const integer = () => {
    const number = tape.readInt32LE(position + 4) * WORD + tape.readUInt32LE(position);
    position += 8;
    return Number.isSafeInteger(number) ? number : tape.readBigInt64LE(position - 8);
  };
  const value = () => {
    switch (String.fromCharCode(tape[position++])) {
      case 'N':
        return null;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'I':
        return integer();
      case 'D':
        position += 8;
        return tape.readDoubleLE(position - 8);
      case 'S':
        return text();
      case 'B': {
        const end = length() + position;
        const bytes = new Uint8Array(tape.subarray(position, end));
        position = end;
        return bytes;
      }
      case 'L':
        return ready(Array.from({ length: length() }, value));
      case 'M': {
        const map = empty();
        for (let left = length(); left > 0; left--) {
          const key = text();
          if (key === '__proto__') Object.defineProperty(map, key, { value: value(), writable: true, enumerable: true, configurable: true });
          else map[key] = value();
        }
        return ready(map);
      }
      default:
        throw failure('internal', 'tape', '');
    }
  };
  return value();
}

module.exports = { Writer, takeWriter, giveBack, write, read, readOwn, copyBytes, isMap };
