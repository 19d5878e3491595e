// Tools of the AI SDK, that run for whoever acts; a sub-agent as a tool has a narrower token.
import { generateText, stepCountIs, tool } from 'ai';
import { Actor, Agent, SubAgent, Verifier, acting, path } from 'deputize';
import { caller, guard } from 'deputize/ai';
import { z } from 'zod';
import { scripted } from './scripted.mjs';

const [ana, planner, coder] = ['ana', 'planner', 'coder'].map((name) => Agent.generate(name));
const verifier = new Verifier({ trust: [ana], audience: 'https://files.example', audit: (record) => console.log(record.sentence.split(' ').slice(1).join(' ')) });
const stopWhen = stepCountIs(5);

// Where tools are served: one line.
const files = guard({
  read_file: tool({ description: 'reads a file', inputSchema: z.object({ path: z.string() }), execute: async ({ path: name }) => `${name}, read by ${caller().caller}` }),
}, verifier);

const review = async ({ prompt }) => {
  const model = scripted([[['read_file', { path: '/src/app.js' }], ['read_file', { path: '/secrets/key.pem' }]], 'it is fine'], 'v4');
  return (await generateText({ model, tools: files, stopWhen, prompt })).text;
};
const reviewer = tool({ description: 'reviews code', inputSchema: z.object({ prompt: z.string() }), execute: review });
const tools = { ...files, ...guard({ reviewer }, verifier, { subAgents: { reviewer: new SubAgent(coder, { read_file: { path: path('/src') } }) } }) };

// Where tools are called: one line says whose run this is.
const actor = new Actor(planner, ana.issue({ to: planner, tools: { read_file: {}, reviewer: {} }, reason: 'review' }));
const model = scripted([[['read_file', { path: '/secrets/key.pem' }], ['reviewer', { prompt: 'review it' }]], 'reviewed'], 'v4');
const result = await acting(actor, () => generateText({ model, tools, stopWhen, prompt: 'have it reviewed' }));
console.log(result.text);
