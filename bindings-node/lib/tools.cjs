'use strict';
const { call, failure } = require('./native.cjs');
const { Writer, isMap, read } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');
const { NATIVE } = require('./keys.cjs');
const { Constraint, advice, functions, writeRules } = require('./constraint.cjs');

/** Writes tools to a tape: `{tool: {argument: [optional, constraint]}}`. */
function writeTools(writer, tools) {
  if (!isMap(tools)) throw failure('claim-invalid', 'tools are a plain object, not', kindOf(tools));
  const names = Object.keys(tools);
  writer.count(1, names.length);
  writer.map(names.length);
  for (const tool of names) {
    writer.within(tool, () => {
      const rules = writer.member(tools, tool);
      if (!isMap(rules)) throw failure('claim-invalid', 'arguments of a tool are a plain object, not', kindOf(rules));
      writer.bounded(tool.length);
      writer.key(text(tool, 'name-invalid', 'the name of a tool'));
      writeRules(writer, rules, 2);
    });
  }
}

function toolsTape(tools) {
  const writer = new Writer(advice);
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

module.exports = { writeTools, toolsTape, toolsFrom, encodeTools, decodeTools, toolsSubsume };
