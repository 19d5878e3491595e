// What a guard adds to a call of MCP over loopback: a guarded server and an unguarded one, each in a process of its own, called in turns.
// `mcp.mjs` prints a row for stdio and one for streamable HTTP: the median of each in microseconds, and their ratio.
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Actor, Agent, Verifier } from 'deputize';
import { guard, signCalls } from 'deputize/mcp';
import { z } from 'zod';

const AUDIENCE = 'https://deploy.example';
const CALLS = Number(process.env.CALLS ?? 2000);
const SCRIPT = fileURLToPath(import.meta.url);
const [ana, planner, coder] = ['ana', 'planner', 'coder'].map((name, at) => Agent.fromSeed(name, new Uint8Array(32).fill(at + 1)));
const [, , role, guarded] = process.argv;

function served() {
  const server = new McpServer({ name: 'deploy', version: '1.0.0' });
  server.registerTool('deploy', { inputSchema: { env: z.string(), replicas: z.number().default(1) } }, ({ env }) => ({ content: [{ type: 'text', text: env }] }));
  return guarded === 'guarded' ? guard(server, new Verifier({ trust: [ana], audience: AUDIENCE })) : server;
}

async function overHttp() {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => '1', enableJsonResponse: true });
  await served().connect(transport);
  const http = createServer((request, response) => transport.handleRequest(request, response));
  http.keepAliveTimeout = 60_000;
  http.listen(0, '127.0.0.1', () => console.log(http.address().port));
}

const transports = {
  stdio: async (kind) => [new StdioClientTransport({ command: process.execPath, args: [SCRIPT, 'stdio', kind] }), () => {}],
  http: async (kind) => {
    const child = spawn(process.execPath, [SCRIPT, 'http', kind], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(child.stdout, 'data');
    return [new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${Number(port)}/mcp`)), () => child.kill()];
  },
};

async function measure(name) {
  const chain = planner.delegate(ana.issue({ to: planner, tools: { deploy: {} }, ttl: '1h' }), { to: coder });
  const times = { plain: [], guarded: [] };
  const running = {};
  for (const kind of Object.keys(times)) {
    const [transport, stop] = await transports[name](kind);
    const client = new Client({ name: 'coder', version: '1.0.0' });
    if (kind === 'guarded') signCalls(client, new Actor(coder, chain), AUDIENCE);
    await client.connect(transport);
    running[kind] = { client, stop };
  }
  await sleep(1100);
  for (let call = -CALLS / 10; call < CALLS; call++) {
    for (const kind of call % 2 ? ['plain', 'guarded'] : ['guarded', 'plain']) {
      const start = process.hrtime.bigint();
      const result = await running[kind].client.callTool({ name: 'deploy', arguments: { env: 'staging' } });
      const time = Number(process.hrtime.bigint() - start);
      if (result.isError) throw new Error(result.content[0].text);
      if (call >= 0) times[kind].push(time);
    }
  }
  for (const { client, stop } of Object.values(running)) {
    await client.close();
    stop();
  }
  const [plain, more] = Object.values(times).map((all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] / 1000);
  console.log(`| Node | ${name} | ${plain.toFixed(0)} | ${more.toFixed(0)} | ${(more / plain).toFixed(3)} |`);
}

if (role === 'stdio') await served().connect(new StdioServerTransport());
else if (role === 'http') await overHttp();
else for (const name of Object.keys(transports)) await measure(name);
