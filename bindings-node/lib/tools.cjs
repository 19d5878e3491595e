'use strict';
const { call, failure } = require('./native.cjs');
const { Writer, isPlain, read } = require('./tape.cjs');
const { bytes, kindOf } = require('./options.cjs');
const { NATIVE } = require('./keys.cjs');
const { Constraint, constraintOf, encodingOf, functions, optionalEntry } = require('./constraint.cjs');

/** The own entries of a map of tools or arguments, each read once. */
function entries(map, what) {
  if (typeof map !== 'object' || map === null || Array.isArray(map) || !isPlain(map)) throw failure('claim-invalid', `${what} are a plain object, not`, kindOf(map));
  return Object.keys(map).map((name) => [name, map[name]]);
}

/** Writes tools to a tape: `{tool: {argument: [optional, constraint]}}`. */
function writeTools(writer, tools) {
  const named = entries(tools, 'tools');
  writer.map(named.length);
  for (const [tool, rules] of named) {
    const listed = entries(rules, 'arguments of a tool');
    writer.key(tool);
    writer.map(listed.length);
    for (const [argument, entry] of listed) {
      const constraint = optionalEntry(entry);
      writer.key(argument);
      writer.list(2);
      writer.boolean(constraint !== undefined);
      writer.bytes(encodingOf(constraint ?? constraintOf(entry)));
    }
  }
}

function toolsTape(tools) {
  const writer = new Writer();
  writeTools(writer, tools);
  return writer.done();
}

/** The same form as objects: `{tool: {argument: constraint}}`. */
function toolsFrom(map) {
  const tools = Object.create(null);
  for (const tool of Object.keys(map)) {
    const rules = Object.create(null);
    for (const argument of Object.keys(map[tool])) {
      const [optional, encoding] = map[tool][argument];
      const constraint = new Constraint(NATIVE, encoding);
      rules[argument] = optional ? functions.optional(constraint) : constraint;
    }
    tools[tool] = Object.freeze(rules);
  }
  return Object.freeze(tools);
}

const encodeTools = (tools) => new Uint8Array(call('toolsEncode', toolsTape(tools)));
const decodeTools = (encoding) => toolsFrom(read(call('toolsDecode', Buffer.from(bytes(encoding, 'malformed', 'tools')))));

/** Whether the parent allows all that the child allows. */
function toolsSubsume(parent, child) {
  const tapes = [toolsTape(parent), toolsTape(child)];
  try {
    call('toolsSubsume', ...tapes);
    return true;
  } catch (error) {
    if (error.code === 'tool-not-granted' || error.code === 'not-provably-narrower') return false;
    throw error;
  }
}

module.exports = { writeTools, toolsFrom, encodeTools, decodeTools, toolsSubsume };
