'use strict';
// The native part. If it cannot be loaded, nothing can: there is no other implementation that would take its place.
const { DeputizeError } = require('./errors.cjs');

function load() {
  try {
    return require('../deputize.node');
  } catch (cause) {
    const reason = `the native part of deputize cannot be loaded for ${process.platform} ${process.arch}`;
    const help = 'install the package for this platform, or build it: npm run build';
    throw new DeputizeError({ code: 'config-invalid', link: null, context: 'deputize.node', help, message: reason }, { cause });
  }
}

const native = load();

/** An error with the texts of the table, about something that is named. */
function failure(code, what, name) {
  return new DeputizeError(JSON.parse(native.describe(code, what, shorten(name))));
}

/** Enough of a text to be shown; the native part escapes and cuts it. */
function shorten(name) {
  return String(name).slice(0, 1024).toWellFormed();
}

/** Calls a native function. Its refusals are JSON; whatever else it throws, a panic among them, is a fault of this library. */
function call(name, ...parameters) {
  try {
    return native[name](...parameters);
  } catch (error) {
    throw translated(error);
  }
}

function translated(error) {
  try {
    const fields = JSON.parse(error.message);
    if (typeof fields.code === 'string' && typeof fields.help === 'string') return new DeputizeError(fields);
  } catch {
    // Not a refusal.
  }
  return failure('internal', 'the native part', '');
}

module.exports = { call, failure, shorten, codes: () => JSON.parse(native.codes()) };
