// A guarded server of MCP and a client that signs, over streamable HTTP on loopback, with the second line of the SDK.
import { createServer } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { Actor, Agent, ApprovalPolicy, Approver, Verifier } from 'deputize';
import { DENIAL_KEY, caller, guard, signCalls } from 'deputize/mcp';
import { z } from 'zod';

const AUDIENCE = 'https://deploy.example';
const [ana, coder, bo] = ['ana', 'coder', 'bo'].map((name) => Agent.generate(name));
const verifier = new Verifier({ trust: [ana], audience: AUDIENCE, approvals: new ApprovalPolicy(1, [bo], { harmless: ['read'] }) });

function served() {
  const server = new McpServer({ name: 'deploy', version: '1.0.0' });
  for (const name of ['read', 'deploy']) {
    server.registerTool(name, { inputSchema: z.object({ env: z.string() }) }, ({ env }) => ({ content: [{ type: 'text', text: `${name} ${env}: ${caller().caller} for ${caller().onBehalfOf}` }] }));
  }
  return guard(server, verifier); // where tools are served: one line
}

const http = createServer(toNodeHandler(createMcpHandler(served)));
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));

const chain = ana.issue({ to: coder, tools: { read: {}, deploy: { env: 'staging' } } });
const approver = new Approver(bo, { ask: ({ text }) => { console.log(`bo is shown:\n${text.replace(/^/gm, '  ').trimEnd()}`); return true; } });
const client = new Client({ name: 'coder', version: '1.0.0' });
signCalls(client, new Actor(coder, chain), AUDIENCE, { approver }); // where tools are called: one line
await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${http.address().port}/`)));
for (const [name, env] of [['read', 'production'], ['deploy', 'production'], ['deploy', 'staging']]) {
  const result = await client.callTool({ name, arguments: { env } });
  console.log(result.isError ? `${name} ${env}: ${result._meta[DENIAL_KEY].code}` : result.content[0].text);
}
await client.close();
http.closeAllConnections();
http.close();
