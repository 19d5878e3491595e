'use strict';
// Deputize in LangChain.js and LangGraph.js: tools of agents, tool nodes and chains.
const { failure } = require('./native.cjs');
const { Actor, SubAgent, acting } = require('./actor.cjs');
const { DeputizeError } = require('./errors.cjs');
const { caller, denialOf, refusalOf } = require('./guarding.cjs');
const { LocalGuard, answer, handedBy, inPlace, isGuarded, toolError } = require('./local.cjs');
const { kindOf, options } = require('./options.cjs');
const { isMap } = require('./tape.cjs');
const { tested } = require('./versions.cjs');

const { ToolMessage } = tested('@langchain/core')('@langchain/core/messages');

const OPTIONS = ['tools', 'context', 'subAgents', 'approver', 'interrupt'];

/**
 * Lets tools run only for calls that the verifier allows, signed for whoever acts: in an agent, a tool node or alone. Takes a tool, or a list of
 * them, and returns it. `interrupt` is that of LangGraph: a call that needs approvals interrupts, and what resumes it has them.
 */
function guard(tools, verifier, given) {
  const { interrupt, ...rest } = Object.fromEntries(options(given, OPTIONS, 'guard'));
  if (interrupt !== undefined && typeof interrupt !== 'function') throw failure('config-invalid', 'interrupt is that of @langchain/langgraph, not', kindOf(interrupt));
  const local = new LocalGuard(verifier, rest, 'guard');
  const all = Array.isArray(tools) ? tools : [tools];
  for (const tool of all) {
    const known = typeof tool?.invoke === 'function' && typeof tool.call === 'function' && typeof tool._call === 'function' && typeof tool.name === 'string';
    // An `invoke` of its own need not come to `call`.
    if (!known || ownerOf(tool, 'invoke').constructor?.name !== 'StructuredTool') throw failure('config-invalid', 'no tool of @langchain/core that runs here:', tool?.name ?? kindOf(tool));
  }
  const names = all.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw failure('config-invalid', 'two tools of one name:', twice);
  local.knows(names);
  for (const tool of all) inPlace(tool, 'call', (run) => guardedCall(local, tool, run, interrupt));
  return tools;
}

/** `invoke`, `stream` and `batch` of a tool come to its `call`, where the schema adds its defaults. What a model called is answered, also if it is refused. */
function guardedCall(local, tool, run, interrupt) {
  const wait = interrupt === undefined ? undefined : async (waiting) => interrupt(waiting) ?? null;
  const { name } = tool;
  return async function call(given, config, ...rest) {
    // `invoke` takes a call apart; what it found in it are arguments, whatever they look like.
    const whole = isCall(given) && config?.toolCall === undefined;
    const input = whole ? given.args : typeof given === 'string' ? { input: given } : given;
    const id = whole ? given.id : config?.toolCall?.id;
    // Arguments that look like a call would be taken apart once more.
    const passed = (args) => (whole || isCall(args) ? { type: 'tool_call', name, id, args } : args);
    try {
      return await local.call(name, input, { about: config, wait, errorOf }, (args) => run.call(tool, passed(args), config, ...rest));
    } catch (error) {
      if (typeof id !== 'string' || !(error instanceof DeputizeError)) throw toolError(error);
      return new ToolMessage({ status: 'error', content: refusalOf(error), artifact: denialOf(error), tool_call_id: id, name });
    }
  };
}

const ownerOf = (object, name) => (Object.hasOwn(object, name) ? object : ownerOf(Object.getPrototypeOf(object), name));
const isCall = (value) => isMap(value) && value.type === 'tool_call';
const errorOf = (result) => (result?.status === 'error' ? 'the tool reported an error' : undefined);

/** For `createMiddleware({ wrapToolCall })`, as the last one of an agent: a call of a tool that is not guarded ends the run. */
function onlyGuarded(request, handler) {
  if (!isGuarded(request?.tool?.call)) throw failure('config-invalid', 'no guard is before the tool:', request?.toolCall?.name ?? kindOf(request));
  return handler(request);
}

/** A node of a graph that runs another agent: as a sub-agent of whoever runs the graph, with a token of its own, as an actor, or with `null` as nobody. */
function actingAs(runnable, who) {
  if (who !== null && !(who instanceof SubAgent) && !(who instanceof Actor)) throw failure('config-invalid', 'a SubAgent, which says what it may do, an Actor or null, not', kindOf(who));
  const run = typeof runnable === 'function' ? runnable : runnable?.invoke?.bind(runnable);
  if (run === undefined) throw failure('config-invalid', 'an agent or a function, not', kindOf(runnable));
  return (state, config) => acting(who instanceof SubAgent ? handedBy(who) : who, () => run(state, config));
}

module.exports = { guard, actingAs, onlyGuarded, answer, caller };
