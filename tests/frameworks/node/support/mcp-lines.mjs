// The two lines of the SDK, and the two revisions that the second one speaks, by the same names.
import * as v2client from '@modelcontextprotocol/client';
import { StdioClientTransport as V2Stdio } from '@modelcontextprotocol/client/stdio';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import * as v2 from '@modelcontextprotocol/server';
import * as v2stdio from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const v1 = {
  name: 'v1', Client, McpServer, Server, InMemoryTransport, StdioClientTransport, StreamableHTTPClientTransport,
  clientOptions: {},
  schema: (shape) => shape,
  onCall: (server, handle) => server.setRequestHandler(CallToolRequestSchema, handle),
  onForm: (client, handle) => client.setRequestHandler(ElicitRequestSchema, handle),
  httpHandler: (make) => async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    const server = make();
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response);
  },
  serveStdio: (make) => make().connect(new StdioServerTransport()),
};

const second = (name, clientOptions) => ({
  name, clientOptions,
  Client: v2client.Client, McpServer: v2.McpServer, Server: v2.Server, InMemoryTransport: v2.InMemoryTransport,
  StdioClientTransport: V2Stdio, StreamableHTTPClientTransport: v2client.StreamableHTTPClientTransport,
  schema: (shape) => z.object(shape),
  onCall: (server, handle) => server.setRequestHandler('tools/call', handle),
  onForm: (client, handle) => client.setRequestHandler('elicitation/create', handle),
  httpHandler: (make) => toNodeHandler(v2.createMcpHandler(make)),
  serveStdio: (make) => v2stdio.serveStdio(make),
});

export const lines = [v1, second('v2 2025-11-25', {}), second('v2 2026-07-28', { versionNegotiation: { mode: 'auto' } })];
