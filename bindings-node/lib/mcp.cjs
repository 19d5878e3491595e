'use strict';
// Deputize on the Model Context Protocol, for `@modelcontextprotocol/sdk`. Nothing of that package is loaded here.
const { META_KEY, DENIAL_KEY, HEADER } = require('./mcp-names.cjs');
const { caller } = require('./guarding.cjs');
const { guard } = require('./mcp-server.cjs');
const { metaFor, signCalls } = require('./mcp-client.cjs');

module.exports = { guard, caller, signCalls, metaFor, META_KEY, DENIAL_KEY, HEADER };
