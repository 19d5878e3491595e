// Deploying needs two people: denied, approved by two of three, run once, and denied again.

import { Agent, ApprovalRequest, Verifier } from 'deputize';

const SERVER = 'https://deploy.acme.example';

const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
const people = ['bo', 'cy', 'di'].map((name) => Agent.generate(name));

const approvals = { deploy: { count: 2, approvers: people.map((person) => person.key) } };
const chain = ana.issue({ to: coder, tools: { deploy: {} }, approvals, reason: 'release 1.4' });
const verifier = new Verifier({ trust: ana, audience: SERVER });
const args = { tag: 'v1.4', to: 'production' };

const call = (...evidence) => verifier.authorize(coder.prove(chain, 'deploy', args, SERVER, { evidence }), 'deploy', args);
const denied = (...evidence) => {
  try { call(...evidence); } catch (error) { return error; }
  throw new Error('allowed');
};

const refusal = denied();
console.log(`${refusal.code}, request ${refusal.requestId}`);

// What travels to the approvers, each on a device of their own; what they read is made from these bytes.
const request = ApprovalRequest.decode(new ApprovalRequest(chain, 'deploy', args, SERVER).bytes);
console.log(request.text);
const [first, second] = people.map((person) => person.approve(request, { reason: 'agreed' }));

console.log(`with one approval: ${denied(first).code}`);
console.log(`with two: ${call(first, second).audit}`);
console.log(`again: ${denied(first, second).code}`);
