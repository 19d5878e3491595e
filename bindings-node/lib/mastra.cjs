'use strict';
// Deputize in Mastra: tools of agents and workflows, servers of @mastra/mcp, and supervisors of sub-agents. Nothing of Mastra is loaded here.
const { AsyncLocalStorage } = require('node:async_hooks');
const { failure } = require('./native.cjs');
const { acting } = require('./actor.cjs');
const { caller } = require('./guarding.cjs');
const { LocalGuard, answer, approvalsIn, handedBy, inPlace, subAgentsOf, toolError } = require('./local.cjs');
const { guard: guardProtocol } = require('./mcp-server.cjs');
const { kindOf } = require('./options.cjs');
const { isMap } = require('./tape.cjs');
const { tested } = require('./versions.cjs');

tested('@mastra/core');

const TOOL = Symbol.for('mastra.core.tool.Tool');
/** How an agent of a network is run. */
const RUNS = ['generate', 'stream', 'resumeGenerate', 'resumeStream', 'generateLegacy', 'streamLegacy', 'network', 'resumeNetwork'];

/**
 * Lets tools run only for calls that the verifier allows, signed for whoever acts: wherever they are used, in an agent, a workflow or alone.
 * Takes a tool, or an object of them, and returns it. A tool is called by its `id` in tokens, unless `tools` says otherwise.
 */
function guard(tools, verifier, given) {
  const local = new LocalGuard(verifier, given, 'guard');
  const all = isTool(tools) ? [tools] : isMap(tools) ? Object.values(tools) : [tools];
  for (const tool of all) {
    if (!isTool(tool)) throw failure('config-invalid', 'no tool of createTool:', tool?.id ?? kindOf(tool));
    if (typeof tool.execute !== 'function') throw failure('config-invalid', 'a tool that runs elsewhere cannot be guarded here:', tool.id);
  }
  local.knows(all.map((tool) => tool.id));
  for (const tool of all) inPlace(tool, 'execute', (run) => guardedRun(local, tool, run));
  return tools;
}

const isTool = (value) => value?.[TOOL] === true && typeof value.id === 'string';

function guardedRun(local, tool, run) {
  const { id } = tool;
  return async function execute(input, context) {
    const [approvals, waited] = resumed(context);
    const suspend = (context?.agent ?? context?.workflow ?? context)?.suspend;
    const wait = typeof suspend === 'function' ? async (waiting) => void (await suspend(waiting)) : undefined;
    try {
      return await local.call(id, waited ?? input, { about: context, approvals, wait, errorOf }, (args) => run.call(tool, args, context));
    } catch (error) {
      throw toolError(error);
    }
  };
}

const errorOf = (result) => (result?.error === true && 'validationErrors' in result ? 'the tool refused its input or output' : undefined);

/** The approvals that resume a call, and the arguments that they are for: they are the guard's, and the tool does not see them. */
function resumed(context) {
  const parts = [context?.agent, context?.workflow, context].filter((part) => typeof part === 'object' && part !== null);
  const part = parts.find(({ resumeData }) => approvalsIn(resumeData) !== undefined);
  if (part === undefined) return [];
  const found = [approvalsIn(part.resumeData), part.suspendPayload?.arguments];
  for (const one of parts) one.resumeData = one.suspendPayload = undefined;
  return found;
}

/**
 * Says what the sub-agents of an agent may do: each runs with a token that is made for it when it is handed a task, and one that nothing was
 * declared for acts as nobody. Returns the agent.
 */
function supervise(agent, subAgents) {
  const declared = subAgentsOf(subAgents, 'supervise');
  for (const name of ['listAgents', 'listAgentTools', 'network', 'resumeNetwork', '__fork']) {
    if (typeof agent?.[name] !== 'function') throw failure('config-invalid', 'not an Agent of @mastra/core:', kindOf(agent));
  }
  const as = (name, run) => acting(handedBy(declared.get(name)), run);
  const listed = agent.listAgents();
  const missing = typeof listed.then === 'function' ? undefined : [...declared.keys()].find((name) => !Object.hasOwn(listed, name));
  if (missing !== undefined) throw failure('config-invalid', 'no sub-agent of this agent:', missing);
  inPlace(agent, 'listAgentTools', (list) => async (...given) => {
    const tools = await Reflect.apply(list, agent, given);
    return Object.fromEntries(Object.entries(tools).map(([key, tool]) => [key, { ...tool, execute: (...call) => as(key.slice('agent-'.length), () => tool.execute(...call)) }]));
  });
  // A fork, by which Mastra runs another version of an agent, is made anew.
  inPlace(agent, '__fork', (fork) => () => supervise(Reflect.apply(fork, agent, []), subAgents));
  const network = new AsyncLocalStorage();
  for (const name of ['network', 'resumeNetwork']) inPlace(agent, name, (run) => (...given) => network.run(true, () => Reflect.apply(run, agent, given)));
  inPlace(agent, 'listAgents', (list) => (...given) => {
    const found = Reflect.apply(list, agent, given);
    if (network.getStore() === undefined) return found;
    const held = (agents) => Object.fromEntries(Object.entries(agents).map(([name, one]) => [name, heldAs(one, (run) => as(name, run))]));
    return typeof found.then === 'function' ? found.then(held) : held(found);
  });
  return agent;
}

/** The same agent, whose runs are held. */
function heldAs(agent, hold) {
  const get = (_, name) => {
    const own = agent[name];
    if (typeof own !== 'function') return own;
    return RUNS.includes(name) ? (...given) => hold(() => Reflect.apply(own, agent, given)) : own.bind(agent);
  };
  return new Proxy(agent, { get });
}

/** Lets an `MCPServer` of @mastra/mcp run a tool only for calls that the verifier allows, over every transport that it serves. Options as of `deputize/mcp`. */
function guardServer(server, verifier, given) {
  tested('@mastra/mcp');
  if (typeof server?.createServerInstance !== 'function' || typeof server.executeTool !== 'function') {
    throw failure('config-invalid', 'not an MCPServer of @mastra/mcp:', kindOf(server));
  }
  if (server.stdioInstance !== undefined) throw failure('config-invalid', 'connected already:', 'guard the server first');
  guardProtocol(server.createServerInstance(), verifier, given); // what is wrong with the options is said here
  inPlace(server, 'createServerInstance', (make) => () => guardProtocol(Reflect.apply(make, server, []), verifier, given));
  inPlace(server, 'executeTool', () => async () => {
    throw toolError(failure('proof-missing', 'a guarded server runs tools for calls of MCP, and not by', 'executeTool'));
  });
  return server;
}

module.exports = { guard, guardServer, supervise, answer, caller };
