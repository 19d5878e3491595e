// A guarded server over stdio: its tool appends a line to the file that it is given.
import { appendFileSync } from 'node:fs';
import { caller } from 'deputize';
import { guard } from 'deputize/mcp';
import { z } from 'zod';
import { verifierOf } from './cast.mjs';
import { lines } from './mcp-lines.mjs';

const [, , name, file] = process.argv;
const line = lines.find((one) => one.name === name);
const { verifier } = verifierOf();
await line.serveStdio(() => {
  const server = guard(new line.McpServer({ name: 'deployer', version: '1.0.0' }), verifier, { acceptArgument: true });
  server.registerTool('deploy', { inputSchema: line.schema({ env: z.string(), replicas: z.number().default(1) }) }, ({ env, replicas }) => {
    appendFileSync(file, `${env}\n`);
    return { content: [{ type: 'text', text: `${caller().caller}: ${env} × ${replicas}` }] };
  });
  return server;
});
