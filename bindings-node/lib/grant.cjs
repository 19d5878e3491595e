'use strict';
// What is given with a token, written to a tape. Every option is read once.
const { failure } = require('./native.cjs');
const { Writer, isMap } = require('./tape.cjs');
const { bytes, count, kindOf, options, seconds, text } = require('./options.cjs');
const { agentOf, keyOf } = require('./holder.cjs');
const { advice } = require('./constraint.cjs');
const { sessionId } = require('./ids.cjs');
const { sessionParts } = require('./session.cjs');
const { writeBudgets } = require('./budget.cjs');
const { writeTools } = require('./tools.cjs');

const DELEGATED = ['to', 'tools', 'ttl', 'audience', 'maxDepth', 'reason', 'context', 'holderName', 'notBefore', 'approvals', 'budgets', 'evidence'];
const ROOT = [...DELEGATED, 'session', 'task'];

/** How each option is written to the tape, in the order of the errors that it can give. */
const WRITERS = {
  tools: writeTools,
  ttl: (writer, value) => writer.integer(seconds(value)),
  notBefore: (writer, value) => writer.integer(count(value, 'claim-invalid', 'notBefore')),
  audience: writeAudience,
  maxDepth: (writer, value) => writer.integer(count(value, 'claim-invalid', 'maxDepth')),
  approvals: writeApprovals,
  budgets: writeBudgets,
  evidence: (writer, value) => writer.bytes(bytes(value, 'claim-invalid', 'evidence')),
  reason: (writer, value) => writer.text(text(value, 'claim-invalid', 'reason')),
  context: (writer, value) => writer.text(text(value, 'claim-invalid', 'context')),
  subject: (writer, value) => writer.text(text(value, 'name-invalid', 'subject')),
  mode: (writer, value) => writer.text(text(value, 'claim-invalid', 'mode')),
  session: (writer, value) => writer.bytes(sessionId(value)),
  task: (writer, value) => writer.bytes(bytes(value, 'claim-invalid', 'task')),
};

function writeAudience(writer, value) {
  const names = Array.isArray(value) ? Array.from(value) : [value];
  writer.list(names.length);
  names.forEach((name) => writer.text(text(name, 'name-invalid', 'audience')));
}

/** `{tool: {count, approvers}}`, or `{tool: [{count, approvers}, …]}`. */
function writeApprovals(writer, value) {
  if (!isMap(value)) throw failure('claim-invalid', 'approvals are a plain object, not', kindOf(value));
  const rules = Object.keys(value).flatMap((tool) => requirementsOf(value[tool], 'claim-invalid').map((rule) => [tool, options(rule, ['count', 'approvers'], 'approvals')]));
  writer.list(rules.length);
  for (const [tool, rule] of rules) writeRequirement(writer, tool, rule.get('count'), rule.get('approvers'), 'claim-invalid');
}

/** One requirement, or several. None is no list of them: the tool would need nothing. */
function requirementsOf(given, code) {
  if (!Array.isArray(given)) return [given];
  if (given.length === 0) throw failure(code, 'no approvals in', 'an empty list');
  return Array.from(given);
}

/** So many of these keys for a tool. */
function writeRequirement(writer, tool, many, approvers, code) {
  if (!Array.isArray(approvers)) throw failure(code, 'approvers are a list, not', kindOf(approvers));
  writer.list(3);
  writer.text(text(tool, 'name-invalid', 'tool'));
  writer.integer(count(many, code, 'approvals: count'));
  const keys = Array.from(approvers, keyOf);
  writer.list(keys.length);
  keys.forEach((key) => writer.bytes(key));
}

/** What of `given` is known, with the task of the session that is given as an object. */
function grantOptions(given, known, where) {
  const read = options(given, known, where);
  const task = sessionParts(read.get('session'))?.task;
  if (task !== undefined) {
    if (read.has('task')) throw failure('claim-invalid', 'the session has a task already:', 'task');
    read.set('task', task);
  }
  return read;
}

function grantTape(read, where) {
  if (!read.has('to')) throw failure('claim-missing', `${where} needs`, 'to');
  const to = read.get('to');
  const key = keyOf(to);
  const name = read.get('holderName') ?? agentOf(to)?.name;
  const named = [...read.keys()].filter((option) => Object.hasOwn(WRITERS, option));
  const writer = new Writer(advice);
  writer.map(1 + named.length + (name === undefined ? 0 : 1));
  writer.key('to');
  writer.bytes(key);
  if (name !== undefined) {
    writer.key('holderName');
    writer.text(text(name, 'name-invalid', 'holderName'));
  }
  for (const option of Object.keys(WRITERS).filter((option) => named.includes(option))) {
    writer.key(option);
    WRITERS[option](writer, read.get(option));
  }
  return writer.done();
}

module.exports = { DELEGATED, ROOT, grantOptions, grantTape, requirementsOf, writeRequirement };
