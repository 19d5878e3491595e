// The coder: an agent of Mastra in a process of its own. A task comes with the chain that says what may be done for it; the chain is no secret,
// so where others can reach this port, tasks should be signed messages.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { Agent as MastraAgent } from '@mastra/core/agent';
import { MCPClient } from '@mastra/mcp';
import { Actor, Agent, ApprovalRequest, Approval, Chain, acting, currentActor } from 'deputize';
import { signingFetch } from 'deputize/mcp';
import { scripted } from '../node/scripted.mjs';

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);

const coder = Agent.generate('coder');
tell({ did: coder.did });
const { url, audience } = await hear();

// Whoever acts signs each call as it is posted. The model sees neither the chain nor a proof.
const fetch = signingFetch(currentActor, audience);
const mcp = new MCPClient({ servers: { repository: { url: new URL(url), fetch } } });
const tools = Object.fromEntries(Object.values(await mcp.listTools()).map((tool) => [tool.id.replace(/^repository_/, ''), tool]));

const deploy = ['deploy', { env: 'staging' }];
const model = scripted([
  [['read_file', { path: '/src/login.py' }]],
  [['read_file', { path: '/payroll/salaries.csv' }]],
  [deploy],
  'bo has to approve',
  [deploy],
  'the login is safe, and it is deployed to staging',
]);
const agent = new MastraAgent({ id: 'coder', name: 'coder', instructions: 'Write code.', model, tools });

/** One run of the agent, whose calls are told as its model was told of them. */
async function run(actor, prompt) {
  const { steps, text } = await acting(actor, () => agent.generate(prompt));
  const results = steps.flatMap(({ content }) => content).filter(({ type }) => type === 'tool-result')
    .map(({ toolName, output: { type, value } }) => ({ step: toolName, text: type === 'error-text' ? value : value.result }));
  results.forEach(tell);
  return [text, results.at(-1).text];
}

async function work(task, chain) {
  const actor = new Actor(coder, chain);
  const [text, last] = await run(actor, task);
  if (!last.startsWith('denied: approval-required')) return text;
  // A person is asked about exactly this call, where the person is.
  const request = new ApprovalRequest(chain, ...deploy, audience);
  tell({ request: request.textForm });
  const { approval } = await hear();
  const [done] = await run(actor.withEvidence([Approval.fromText(approval)]), 'bo has approved it');
  return done;
}

const server = createServer(async (request, response) => {
  try {
    const { task, chain } = await json(request);
    response.end(await work(task, Chain.fromText(chain)));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(`the coder failed: ${error.code ?? error.name}`);
  }
});
server.listen(0, '127.0.0.1', () => tell({ url: `http://127.0.0.1:${server.address().port}/` }));
