// A guarded server over stdio, for mcp.test.mjs: its tool appends a line to the file that it is given.
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';
import { caller, guard } from 'deputize/mcp';
import { AUDIENCE, cast, verifierFor } from './helpers.mjs';

const [, , file] = process.argv;
const server = guard(new McpServer({ name: 'deployer', version: '1.0.0' }), verifierFor(cast().ana));
server.registerTool('deploy', { inputSchema: { tag: z.string(), region: z.string().default('eu') } }, ({ tag, region }) => {
  const who = caller();
  appendFileSync(file, `${who.caller} ${who.onBehalfOf} ${tag} ${region}\n`);
  return { content: [{ type: 'text', text: `${AUDIENCE} deployed ${tag} to ${region} for ${who.onBehalfOf}` }] };
});
await server.connect(new StdioServerTransport());
