'use strict';
// Deputize in the AI SDK: tools of `generateText`, `streamText` and agents. Nothing of that package is loaded here.
const { failure } = require('./native.cjs');
const { caller } = require('./guarding.cjs');
const { LocalGuard, inPlace, toolError } = require('./local.cjs');
const { kindOf } = require('./options.cjs');
const { isMap } = require('./tape.cjs');
const { tested } = require('./versions.cjs');

tested('ai');

/**
 * Lets tools run only for calls that the verifier allows, signed for whoever acts. Takes an object of tools, by the names that they have there and in
 * tokens, and returns it.
 */
function guard(tools, verifier, given) {
  const local = new LocalGuard(verifier, given, 'guard');
  if (!isMap(tools)) throw failure('config-invalid', 'an object of tools, not', kindOf(tools));
  for (const [name, tool] of Object.entries(tools)) {
    if (typeof tool?.execute !== 'function' || tool.isProviderExecuted === true) throw failure('config-invalid', 'a tool that runs elsewhere, at the provider or a client, cannot be guarded here:', name);
  }
  local.knows(Object.keys(tools));
  for (const [name, tool] of Object.entries(tools)) inPlace(tool, 'execute', (run) => guardedRun(local, name, tool, run));
  return tools;
}

function guardedRun(local, name, tool, run) {
  const call = async (input, options, pass) => {
    try {
      return await local.call(name, input, { about: options }, async (args) => pass(await run.call(tool, args, options)));
    } catch (error) {
      throw toolError(error);
    }
  };
  if (run.constructor.name === 'AsyncGeneratorFunction') return (input, options) => streamed((pass) => call(input, options, pass));
  return (input, options) => call(input, options, last);
}

/** The last of what a tool yields; what it returns otherwise. */
async function last(result) {
  if (typeof result?.[Symbol.asyncIterator] !== 'function') return result;
  let found;
  for await (const part of result) found = part;
  return found;
}

/** What a tool yields, as it comes; it runs within its call all the time. */
async function* streamed(call) {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const ended = call(async (parts) => {
    for await (const part of parts) await writer.write(part);
  }).then(() => writer.close(), (error) => writer.abort(error));
  ended.catch(() => {}); // who reads is told
  yield* readable;
}

module.exports = { guard, caller };
