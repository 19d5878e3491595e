'use strict';
const { failure } = require('./native.cjs');
const { kindOf } = require('./options.cjs');

/** What carries trace context: `trace` of `deputize/otel`, or nothing. */
function traceOf(trace) {
  if (trace === undefined || (typeof trace?.inject === 'function' && typeof trace.within === 'function')) return trace;
  throw failure('config-invalid', 'trace is that of deputize/otel, not', kindOf(trace));
}

module.exports = {
  traceOf,
  /** Where a presentation travels in `params._meta` of `tools/call`. */
  META_KEY: 'dev.deputize/presentation',
  /** Where a refused result carries its code and link, in `_meta`. */
  DENIAL_KEY: 'dev.deputize/denial',
  /** The header of plain HTTP. */
  HEADER: 'Deputize-Presentation',
  METHOD: 'tools/call',
};
