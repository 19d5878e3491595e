// A gateway of tools with Fastify: each route is a tool, nothing runs without a proof, a person approves.
import { Actor, Agent, ApprovalPolicy, ApprovalRequest, atMost, oneOf, optional, Verifier } from 'deputize';
import { caller, guardRoutes } from 'deputize/fastify';
import { signCalls } from 'deputize/http';
import Fastify from 'fastify';

const AUDIENCE = 'https://deploy.example';
const ROUTES = { 'POST /deploy/{env}': 'deploy', 'POST /release': 'release' };
const [ana, coder, bo] = ['ana', 'coder', 'bo'].map((name) => Agent.generate(name));

const app = guardRoutes(Fastify(), new Verifier({ trust: ana, audience: AUDIENCE, approvals: new ApprovalPolicy(1, [bo], { harmless: ['deploy'] }) }));
app.post('/deploy/:env', { config: { tool: 'deploy' } }, async (request) => {
  const [who, { replicas = 1 }] = [caller(), request.body];
  return `${replicas} replicas of ${request.params.env} by ${who.caller} for ${who.onBehalfOf}`;
});
app.post('/release', { config: { tool: 'release' } }, async () => `released by ${caller().caller}`);
const server = await app.listen({ host: '127.0.0.1', port: 0 });
const tools = { deploy: { env: oneOf('staging', 'test'), replicas: optional(atMost(2)) }, release: {} };
const actor = new Actor(coder, ana.issue({ to: coder, tools, reason: 'release 1.0' }));
async function post(about, who, path, body) {
  const call = who === undefined ? fetch : signCalls(fetch, who, AUDIENCE, server, ROUTES);
  const answer = await call(`${server}${path}`, { method: 'POST', ...(body && { body, headers: { 'Content-Type': 'application/json' } }) });
  console.log(`${about}: ${answer.ok ? `200 ${await answer.text()}` : (await answer.json()).error.code}`);
}

await post('without a proof', undefined, '/deploy/staging', '{}');
await post('two replicas', actor, '/deploy/staging', '{"replicas":2}');
await post('nine replicas', actor, '/deploy/staging', '{"replicas":9}');
await post('a number given twice', undefined, '/deploy/staging', '{"replicas":2,"replicas":9}');
await post('a release', actor, '/release');
const request = new ApprovalRequest(actor.chain, 'release', {}, AUDIENCE); // bo reads request.text
await post('with an approval', actor.withEvidence([bo.approve(request)]), '/release');
await post('again', actor, '/release');
await app.close();
