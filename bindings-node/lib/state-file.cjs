'use strict';
// A file that keeps what a trust state accepts.
const { inspect } = require('node:util');
const { call } = require('./native.cjs');
const { bytes, text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');
const { requiredState, stateMillis, tellNews } = require('./trust-state.cjs');

/** Keeps the lists and rotations that a state accepted, so that they are there after a restart. */
class StateFile {
  #handle;
  #state;

  constructor(token, handle, state) {
    onlyNative(token, 'StateFile');
    this.#handle = handle;
    this.#state = state;
    Object.freeze(this);
  }

  /** A new file, for a state that holds nothing yet. */
  static create(path, state) {
    const handle = requiredState(state);
    return new StateFile(NATIVE, call('stateFileCreate', text(path, 'state-unavailable', 'a path'), handle), state);
  }

  /** Reads a file into the state. */
  static open(path, state) {
    const handle = requiredState(state);
    return new StateFile(NATIVE, call('stateFileOpen', text(path, 'state-unavailable', 'a path'), handle, stateMillis(state)), state);
  }

  /** What the file keeps. */
  get state() {
    return this.#state;
  }

  /** Takes a list, as a state does, and keeps it. */
  applyList(list) {
    return this.#telling('stateFileApplyList', bytes(list, 'malformed', 'a list'));
  }

  /** Takes a rotation, as a state does, and keeps it. */
  applyRotation(rotation) {
    return this.#telling('stateFileApplyRotation', bytes(rotation, 'malformed', 'a rotation'));
  }

  /** Takes over what other processes put into the file since. */
  refresh() {
    this.#telling('stateFileRefresh');
  }

  #telling(name, ...parameters) {
    try {
      return call(name, this.#handle, ...parameters, stateMillis(this.#state));
    } finally {
      tellNews(this.#state);
    }
  }

  [inspect.custom]() {
    return 'StateFile';
  }
}

module.exports = { StateFile };
