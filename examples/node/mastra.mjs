// A supervisor in Mastra hands its coder a narrower token; a deployment to production suspends until bo, a person, has signed it.
import { Mastra } from '@mastra/core';
import { Agent as MastraAgent } from '@mastra/core/agent';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { Actor, Agent, ApprovalPolicy, Approver, SubAgent, Verifier, acting } from 'deputize';
import { answer, caller, guard, supervise } from 'deputize/mastra';
import { z } from 'zod';
import { scripted } from './scripted.mjs';

const [ana, planner, coder, bo] = ['ana', 'planner', 'coder', 'bo'].map((name) => Agent.generate(name));
const approvals = new ApprovalPolicy(1, [bo], { harmless: ['read_file'] });
const verifier = new Verifier({ trust: [ana], audience: 'https://deploy.example', approvals, audit: (record) => console.log(' ', record.sentence.split(' ').slice(1).join(' ')) });

// Where tools are served: one line.
const tools = guard({
  read_file: createTool({ id: 'read_file', description: 'reads a file', inputSchema: z.object({ path: z.string() }), execute: async ({ path }) => `${path}, read by ${caller().caller}` }),
  deploy: createTool({ id: 'deploy', description: 'deploys', inputSchema: z.object({ env: z.string() }), execute: async ({ env }) => `${env}, deployed by ${caller().caller} for ${caller().onBehalfOf}` }),
}, verifier);

const worker = new MastraAgent({
  id: 'coder', name: 'coder', description: 'reads code', instructions: 'Read.', tools,
  model: scripted([[['read_file', { path: '/src/app.js' }], ['deploy', { env: 'production' }]], 'I have read it']),
});
const boss = new MastraAgent({
  id: 'planner', name: 'planner', instructions: 'Plan.', tools, agents: { worker },
  model: scripted([[['agent-worker', { prompt: 'read the code' }]], [['deploy', { env: 'production' }]], 'done']),
});
supervise(boss, { worker: new SubAgent(coder, { read_file: {} }) });
new Mastra({ agents: { boss, worker }, storage: new InMemoryStore(), logger: false });

// Where tools are called: one line says whose run this is.
const actor = new Actor(planner, ana.issue({ to: planner, tools: { read_file: {}, deploy: { env: 'production' } }, reason: 'release 1.0' }));
console.log('the run:');
const run = await acting(actor, () => boss.stream('release it'));
let suspended;
for await (const chunk of run.fullStream) if (chunk.type === 'tool-call-suspended') suspended = chunk.payload;

console.log('bo is shown:');
const approver = new Approver(bo, { ask: ({ text }) => { console.log(text.replace(/^/gm, '  ').trimEnd()); return true; } });
const approved = await answer(suspended.suspendPayload, actor, approver);

console.log('the run goes on:');
const resumed = await acting(actor, () => boss.resumeStream(approved, { runId: run.runId, toolCallId: suspended.toolCallId }));
for await (const chunk of resumed.fullStream) if (chunk.type === 'tool-result') console.log('result:', chunk.payload.result);
