// A guarded server over stdio: its tool appends a line to the file that it is given. With `elicit` each call needs an approval, and is asked about.
import { appendFileSync } from 'node:fs';
import { ApprovalPolicy, caller } from 'deputize';
import { guard } from 'deputize/mcp';
import { z } from 'zod';
import { bo, verifierOf } from './cast.mjs';
import { lines } from './mcp-lines.mjs';

const [, , name, file, asks] = process.argv;
const elicit = asks === 'elicit';
const line = lines.find((one) => one.name === name);
const { verifier } = verifierOf(elicit ? { approvals: new ApprovalPolicy(1, [bo]) } : {});
await line.serveStdio(() => {
  const server = guard(new line.McpServer({ name: 'deployer', version: '1.0.0' }), verifier, { acceptArgument: true, elicit });
  server.registerTool('deploy', { inputSchema: line.schema({ env: z.string(), replicas: z.number().default(1) }) }, ({ env, replicas }) => {
    appendFileSync(file, `${env}\n`);
    return { content: [{ type: 'text', text: `${caller().caller}: ${env} × ${replicas}` }] };
  });
  return server;
});
