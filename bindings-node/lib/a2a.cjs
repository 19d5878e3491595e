'use strict';
// Deputize in the A2A SDK, `@a2a-js/sdk` 1: each method of the protocol is a tool, signed by the client and guarded before the executor. Nothing of
// that package is loaded here.
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { DeputizeError } = require('./errors.cjs');
const { Guard, caller, denialOf, found, refusalOf } = require('./guarding.cjs');
const { kindOf, options, orElse, text, toolNames } = require('./options.cjs');
const { HEADER, META_KEY } = require('./mcp-names.cjs');

/** The extension that a guarded agent's card requires. */
const EXTENSION = 'https://github.com/deputize/deputize/blob/main/docs/spec/carriage.md';
const EXTENSIONS_HEADER = 'A2A-Extensions';
/** The methods of the protocol: what the client calls them, and what the server does. */
const METHODS = {
  SendMessage: ['sendMessage', 'sendMessage'],
  SendStreamingMessage: ['sendMessageStream', 'sendMessageStream'],
  GetTask: ['getTask', 'getTask'],
  ListTasks: ['listTasks', 'listTasks'],
  CancelTask: ['cancelTask', 'cancelTask'],
  SubscribeToTask: ['resubscribeTask', 'resubscribe'],
  CreateTaskPushNotificationConfig: ['createTaskPushNotificationConfig', 'createTaskPushNotificationConfig'],
  GetTaskPushNotificationConfig: ['getTaskPushNotificationConfig', 'getTaskPushNotificationConfig'],
  ListTaskPushNotificationConfigs: ['listTaskPushNotificationConfig', 'listTaskPushNotificationConfigs'],
  DeleteTaskPushNotificationConfig: ['deleteTaskPushNotificationConfig', 'deleteTaskPushNotificationConfig'],
  GetExtendedAgentCard: ['getAgentCard', 'getAuthenticatedExtendedAgentCard'],
};
const STREAMS = new Set(['SendStreamingMessage', 'SubscribeToTask']);
const SENT = new Map(Object.entries(METHODS).map(([method, [sent]]) => [sent, method]));
/** How the SDK knows its own errors, whichever of its copies made them. */
const BRAND = Symbol.for('@a2a-js/sdk.A2AError');

class A2AError extends Error {
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }

  get [BRAND]() {
    return true;
  }

  toErrorInfo() {
    const { reason, metadata } = this;
    return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'a2a-protocol.org', ...(metadata && { metadata }) };
  }
}

class RequestMalformedError extends A2AError {
  reason = 'INVALID_PARAMS';
}

class UnsupportedOperationError extends A2AError {
  reason = 'UNSUPPORTED_OPERATION';
}

/**
 * A request handler that verifies each call before the handler, and so the executor, sees it. `tools` says what methods of the protocol are called in
 * tokens: `{SendMessage: 'translate'}`. A method that is in neither this nor `unguarded` is not served. The card says from now on that the extension
 * is required.
 */
function guard(handler, verifier, card, tools, given) {
  const read = options(given, ['unguarded', 'challenge', 'context'], 'guard');
  for (const name of ['challenge', 'context']) {
    if (read.has(name) && typeof read.get(name) !== 'function') throw failure('config-invalid', 'a function of parameters and context:', name);
  }
  const missing = [...Object.values(METHODS).map(([, served]) => served), 'getAgentCard'].find((served) => typeof handler?.[served] !== 'function');
  if (missing !== undefined || handler instanceof Guarded) {
    throw failure('config-invalid', 'not a request handler of @a2a-js/sdk that is without a guard:', kindOf(handler));
  }
  if (typeof card?.capabilities !== 'object' || card.capabilities === null) throw failure('config-invalid', "not the agent's card:", kindOf(card));
  const names = methods(tools);
  const free = new Set(methods(Object.fromEntries(Array.from(orElse(read, 'unguarded', []), (method) => [method, '']))).keys());
  for (const method of free) if (names.has(method)) throw failure('config-invalid', 'a tool, and in unguarded too:', method);
  const guarded = new Guarded(handler, new Guard(verifier), names, free, read);
  const required = { uri: EXTENSION, description: 'Calls carry a proof of who calls, and for whom', required: true, params: undefined };
  const listed = (card.capabilities.extensions ??= []);
  if (listed.every(({ uri }) => uri !== EXTENSION)) listed.push(required);
  return guarded;
}

/** An interceptor that signs each call of a client; the last of its `interceptors`. `tools` is as in `guard`; other methods are sent as they are. */
function signCalls(actor, audience, tools) {
  const find = actorFor(actor);
  const names = methods(tools);
  text(audience, 'name-invalid', 'audience');
  return {
    async before(args) {
      const tool = names.get(SENT.get(args.input.method));
      if (tool === undefined || args.input.value === undefined) return;
      const { request } = taken(args.input.value);
      const shown = (await find().prove(tool, argumentsOf(request), audience)).text;
      const headers = { ...args.options?.serviceParameters };
      const asked = (headers[EXTENSIONS_HEADER] ?? '').split(',').map((uri) => uri.trim()).filter((uri) => uri !== '' && uri !== EXTENSION);
      headers[EXTENSIONS_HEADER] = [...asked, EXTENSION].join(',');
      if (request.message === undefined) headers[HEADER] = shown;
      else request.message.metadata = { ...request.message.metadata, [META_KEY]: shown };
      args.input.value = request;
      args.options = { ...args.options, serviceParameters: headers };
    },
    async after() {},
  };
}

class Guarded {
  #handler;
  #edge;
  #tools;
  #free;
  #finders;

  constructor(handler, edge, tools, free, finders) {
    [this.#handler, this.#edge, this.#tools, this.#free, this.#finders] = [handler, edge, tools, free, finders];
  }

  getAgentCard() {
    return this.#handler.getAgentCard();
  }

  async once(method, served, params, context) {
    const { request, authorized } = await this.#admitted(method, params, context);
    const serve = () => this.#handler[served](request, context);
    return authorized === undefined ? serve() : this.#edge.run(authorized, serve);
  }

  async *streamed(method, served, params, context) {
    const { request, authorized } = await this.#admitted(method, params, context);
    if (authorized === undefined) return yield* this.#handler[served](request, context);
    return yield* this.#edge.stream(authorized, () => this.#handler[served](request, context));
  }

  /** The call as it was decided about, without what proved it. */
  async #admitted(method, params, context) {
    const header = headerOf(context?.state?.get?.('headers'));
    if (!this.#free.has(method) && !this.#tools.has(method)) throw new UnsupportedOperationError(`not served here: ${method}`);
    try {
      const { request, shown } = taken(params);
      if (this.#free.has(method)) return { request };
      const [challenge, partition] = await Promise.all(['challenge', 'context'].map((name) => found(this.#finders.get(name), request, context)));
      const asked = { challenge, context: partition };
      return { request, authorized: await this.#edge.admit(this.#tools.get(method), argumentsOf(request), shown === undefined ? header : shown, asked) };
    } catch (error) {
      if (!(error instanceof DeputizeError)) throw error;
      const refused = new RequestMalformedError(refusalOf(error));
      refused.metadata = Object.fromEntries(Object.entries(denialOf(error)).map(([name, value]) => [name, String(value)]));
      throw refused;
    }
  }
}

for (const [method, [, served]] of Object.entries(METHODS)) {
  const how = STREAMS.has(method) ? 'streamed' : 'once';
  Guarded.prototype[served] = function serve(params, context) {
    return this[how](method, served, params, context);
  };
}

/** The header of a request, taken out of what the handler gets. */
function headerOf(headers) {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const names = Object.keys(headers).filter((name) => name.toLowerCase() === HEADER.toLowerCase());
  const values = names.flatMap((name) => headers[name] ?? []);
  for (const name of names) delete headers[name];
  return values.length > 1 ? values.join(', ') : values[0];
}

/** A copy of a request without its presentation, and that. */
function taken(params) {
  const request = copied(params);
  const metadata = request.message?.metadata;
  if (typeof metadata !== 'object' || metadata === null || !Object.hasOwn(metadata, META_KEY)) return { request };
  const { [META_KEY]: shown, ...others } = metadata;
  request.message.metadata = others;
  return { request, shown };
}

/** A copy; what is deeper than any value of a call, with the protocol around it, is none. */
function copied(value, depth = 0) {
  if (depth > 64) throw failure('too-deep', 'the', 'request');
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (Array.isArray(value)) return value.map((member) => copied(member, depth + 1));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return structuredClone(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copied(member, depth + 1)]));
}

const ROLES = ['ROLE_UNSPECIFIED', 'ROLE_USER', 'ROLE_AGENT'];
const STATES = ['UNSPECIFIED', 'SUBMITTED', 'WORKING', 'COMPLETED', 'FAILED', 'CANCELED', 'INPUT_REQUIRED', 'REJECTED', 'AUTH_REQUIRED'];
const ENUMS = { role: (role) => ROLES[role] ?? role, status: (status) => (STATES[status] === undefined ? status : `TASK_STATE_${STATES[status]}`) };

/** The members of a request as JSON of the protocol; what is empty is as if it were not there. */
function argumentsOf(request) {
  const args = members(request);
  if (args.configuration !== undefined && Object.keys(args.configuration).length === 0) delete args.configuration;
  return args;
}

/** An object of the protocol: a choice is a member, bytes are base64, defaults are left out. What is beneath `metadata` and `data` is the caller's own. */
function members(object) {
  const shown = {};
  for (const [name, value] of Object.entries(object)) {
    if (name === 'metadata') {
      if (value !== undefined && Object.keys(value).length > 0) shown.metadata = value;
    } else if (typeof value?.$case === 'string') {
      shown[value.$case] = value.value instanceof Uint8Array ? Buffer.from(value.value).toString('base64') : value.value;
    } else if (typeof value === 'number' && Object.hasOwn(ENUMS, name)) {
      if (value !== 0) shown[name] = ENUMS[name](value);
    } else if (!(value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0))) {
      shown[name] = written(value);
    }
  }
  return shown;
}

function written(value) {
  if (Array.isArray(value)) return value.map(written);
  return typeof value === 'object' && value !== null ? members(value) : value;
}

function methods(tools) {
  const names = toolNames(tools, 'tools');
  for (const name of names.keys()) {
    if (!Object.hasOwn(METHODS, name)) throw failure('config-invalid', `methods are ${Object.keys(METHODS).join(', ')}, not`, name);
  }
  return names;
}

module.exports = { guard, caller, signCalls, EXTENSION, HEADER, META_KEY };
