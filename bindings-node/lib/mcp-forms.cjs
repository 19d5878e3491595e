'use strict';
// Forms on both lines of the SDK: a request to the client while its call waits, or, in later protocols, the result of a call that is then made
// again with the answer.
const { ASK_KEY, answerTo, formOf, isForm, withAnswer } = require('./asking.cjs');
const { kindOf, options, text } = require('./options.cjs');
const { failure } = require('./native.cjs');
const { approversOf } = require('./signing.cjs');

const METHOD = 'elicitation/create';
const MODERN = '2026';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
/** As long as any approver takes. */
const TIMEOUT_MS = 3_600_000;
/** A schema of the first line that takes any result: what counts is read from it, and a compiled one would stay in memory for each question. */
const ANY = { parse: (result) => result, safeParse: (data) => ({ success: true, data }) };

/** A call is not decided about before a form was filled in. */
class Asking extends Error {
  constructor(form) {
    super('input required');
    this.result = { resultType: 'input_required', inputRequests: { [ASK_KEY]: { method: METHOD, params: form } } };
  }
}

/** Decides about a call; one that needs an approval is asked about once. `requestOf` makes the request of what was denied. */
async function admitAsking(protocol, extra, presentation, admit, requestOf) {
  const round = extra?.mcpReq;
  if (has(round?.inputResponses, ASK_KEY)) return admit(withAnswer(presentation, contentOf(round.inputResponses[ASK_KEY])) ?? presentation);
  try {
    return await admit(presentation);
  } catch (error) {
    const request = hasForms(protocol, extra) ? requestOf(error) : undefined;
    if (request === undefined) throw error;
    const answered = withAnswer(presentation, await ask(protocol, extra, formOf(request)));
    if (answered === undefined) throw error;
    return admit(answered);
  }
}

/** Whether the client shows forms, and this one would not take the place of answers that it has brought for the tool. */
function hasForms(protocol, extra) {
  const round = extra?.mcpReq;
  if (round?.inputResponses !== undefined || round?.requestState?.() !== undefined) return false;
  const { elicitation } = (isModern(protocol) ? round?.envelope?.[CAPABILITIES] : protocol.getClientCapabilities()) ?? {};
  return typeof elicitation === 'object' && elicitation !== null && (elicitation.form !== undefined || elicitation.url === undefined);
}

const isModern = (protocol) => (protocol.getNegotiatedProtocolVersion?.() ?? '') >= MODERN;

async function ask(protocol, extra, params) {
  if (isModern(protocol)) throw new Asking(params);
  const request = { method: METHOD, params };
  try {
    if (extra.sendRequest !== undefined) return contentOf(await extra.sendRequest(request, ANY, { signal: extra.signal, timeout: TIMEOUT_MS }));
    return contentOf(await extra.mcpReq.send(request, { signal: extra.mcpReq.signal, timeout: TIMEOUT_MS }));
  } catch {
    return undefined; // a client that fails to ask has no answer
  }
}

const contentOf = (result) => (result?.action === 'accept' ? result.content : undefined);

/** The context that a tool gets: what answers the guard's form is not for it. */
function withoutAnswer(extra) {
  if (!has(extra?.mcpReq?.inputResponses, ASK_KEY)) return extra;
  const { [ASK_KEY]: own, ...others } = extra.mcpReq.inputResponses;
  const inputResponses = Object.keys(others).length > 0 ? others : undefined;
  return { ...extra, mcpReq: { ...extra.mcpReq, inputResponses } };
}

const has = (object, name) => typeof object === 'object' && object !== null && Object.hasOwn(object, name);

/**
 * A handler of `elicitation/create`: forms that ask for approvals of calls to a server are shown to an approver, and answered with what it
 * signs. Other forms are for `otherwise`, and declined without.
 */
function approvalForm(approver, audience, given) {
  const approvers = approversOf(approver);
  const server = text(audience, 'name-invalid', 'audience');
  const otherwise = options(given, ['otherwise'], 'approvalForm').get('otherwise');
  if (otherwise !== undefined && typeof otherwise !== 'function') throw failure('config-invalid', 'otherwise is a function of a request, not', kindOf(otherwise));
  return async (request, extra) => {
    const schema = request?.params?.requestedSchema;
    if (!isForm(schema)) return otherwise === undefined ? { action: 'decline' } : otherwise(request, extra);
    const content = await answerTo(schema, approvers, server);
    return content === undefined ? { action: 'decline' } : { action: 'accept', content };
  };
}

module.exports = { Asking, admitAsking, approvalForm, withoutAnswer };
