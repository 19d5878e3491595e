'use strict';
// Asking for an approval by a form of MCP. The answer counts only as an approver's signature.
const { Presentation } = require('./chain.cjs');
const { ApprovalRequest } = require('./approval.cjs');
const { Denied, DeputizeError } = require('./errors.cjs');
const { Approval } = require('./evidence.cjs');
const { decideAll } = require('./signing.cjs');

/** The name of the only field of the form: signed approvals as text, one after the other. */
const ASK_KEY = 'dev.deputize/approval';
const MOST = 16;

/** What was denied for want of an approval, as an approver has to see it; nothing for any other denial. */
function requestOf(edge, error, presentation, tool, args, asked) {
  if (!(error instanceof Denied) || error.requestId === null || typeof presentation !== 'string') return undefined;
  const request = edge.request(Presentation.fromText(presentation).unverifiedChain(), tool, args, asked);
  return request.id === error.requestId ? request : undefined;
}

/** The form. It carries the request, which the program of an approver reads, shows and signs. */
function formOf(request) {
  const field = { type: 'string', title: 'Signed approval', description: request.textForm };
  return { message: request.text, requestedSchema: { type: 'object', properties: { [ASK_KEY]: field }, required: [ASK_KEY] } };
}

/** The presentation with the approvals of an answer; nothing where the answer has none that can be read. */
function withAnswer(presentation, content) {
  const text = content?.[ASK_KEY];
  if (typeof text !== 'string' || typeof presentation !== 'string') return undefined;
  const words = text.trim().split(/\s+/, MOST + 1);
  if (words.length > MOST) return undefined;
  try {
    return Presentation.fromText(presentation).attach(...words.map((word) => Approval.fromText(word))).text;
  } catch (error) {
    if (error instanceof DeputizeError) return undefined;
    throw error;
  }
}

/** Whether somebody is asked for an approval by this schema. */
const isForm = (schema) => schema?.properties?.[ASK_KEY] !== undefined;

/** The content of an answer to a form: what the approvers sign. Nothing where it is about a call to another server, or nobody decides. */
async function answerTo(schema, approvers, audience) {
  try {
    const request = ApprovalRequest.fromText(schema.properties[ASK_KEY]?.description);
    if (request.audience !== audience) return undefined;
    return { [ASK_KEY]: (await decideAll(approvers, request)).map((one) => one.text).join(' ') };
  } catch (error) {
    if (error instanceof DeputizeError) return undefined;
    throw error;
  }
}

module.exports = { ASK_KEY, answerTo, formOf, isForm, requestOf, withAnswer };
