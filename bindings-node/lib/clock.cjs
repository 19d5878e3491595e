'use strict';
// The clocks of programs. Without one, the native part reads the system's.
const { failure } = require('./native.cjs');
const { kindOf } = require('./options.cjs');
const { settled } = require('./promises.cjs');

function clockOf(clock) {
  if (clock === undefined || typeof clock === 'function') return clock;
  throw failure('config-invalid', 'clock is a function, not', kindOf(clock));
}

/** The milliseconds of a clock; none for the system's. */
function millisOf(clock) {
  if (clock === undefined) return undefined;
  let now;
  try {
    now = settled(clock());
  } catch {
    throw failure('clock-invalid', 'the clock', 'threw');
  }
  if (!Number.isSafeInteger(now) || now <= 0) throw failure('clock-invalid', 'not milliseconds since 1970:', typeof now === 'number' ? now : kindOf(now));
  return now;
}

module.exports = { clockOf, millisOf };
