'use strict';
const { failure } = require('./native.cjs');
const { AuditEvent, AuditRecord } = require('./audit.cjs');
const { kindOf, text } = require('./options.cjs');

/** The JSON of a record: an `AuditRecord`, an `AuditEvent`, its JSON, or an object as `readLog` gives it. */
function recordJson(record) {
  if (record instanceof AuditRecord || record instanceof AuditEvent) return record.json();
  if (typeof record === 'string') return text(record, 'malformed', 'a record of a log');
  let json;
  try {
    json = typeof record === 'object' && record !== null ? JSON.stringify(record)?.toWellFormed() : undefined;
  } catch {
    // A value that JSON has no form for.
  }
  if (typeof json !== 'string') throw failure('malformed', 'not a record of a log:', kindOf(record));
  return json;
}

module.exports = { recordJson };
