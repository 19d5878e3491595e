'use strict';
// Deputize on the Model Context Protocol, for both lines of its SDK. Nothing of those packages is loaded here.
const { META_KEY, DENIAL_KEY, HEADER } = require('./mcp-names.cjs');
const { caller } = require('./guarding.cjs');
const { guard } = require('./mcp-server.cjs');
const { approvalForm } = require('./mcp-forms.cjs');
const { metaFor, signCalls, signingFetch } = require('./mcp-client.cjs');

module.exports = { guard, approvalForm, caller, signCalls, signingFetch, metaFor, META_KEY, DENIAL_KEY, HEADER };
