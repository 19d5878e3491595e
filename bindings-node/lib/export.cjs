'use strict';
// Records of the audit log in the forms of other systems.
const { call } = require('./native.cjs');
const { count, text } = require('./options.cjs');
const { recordJson } = require('./recorded.cjs');

const place = (origin, sequence) => [text(origin, 'name-invalid', 'origin'), count(sequence, 'config-invalid', 'sequence')];
const parsed = (json) => (typeof json === 'string' ? JSON.parse(json) : null);

/** A decision as claims of RFC 8693; `null` unless its caller proved itself. Never authorize by it. */
function toAct(record) {
  return parsed(call('exportAct', recordJson(record)));
}

/** An entry of a log as a structured CloudEvent 1.0, with the record as its `data`. */
function toCloudEvent(record, origin, sequence) {
  return parsed(call('exportCloudEvent', recordJson(record), ...place(origin, sequence)));
}

/** An entry of a log as an event of OCSF's class API Activity; `null` for what is about no activity. */
function toOcsf(record, origin, sequence) {
  return parsed(call('exportOcsf', recordJson(record), ...place(origin, sequence)));
}

/** `attributes`, `event`, `severity`, `span` and `status`, as OpenTelemetry names them. */
function toTelemetry(record) {
  return parsed(call('exportTelemetry', recordJson(record)));
}

module.exports = { toAct, toCloudEvent, toOcsf, toTelemetry };
