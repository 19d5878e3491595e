// A person lets a planner act, the planner lets a coder do a part of it, and a server decides about each call.
import { Agent, Denied, Verifier, path } from 'deputize';

const SERVER = 'https://git.acme.example';
const [ana, planner, coder] = ['ana', 'planner', 'coder'].map((name) => Agent.generate(name));

const tools = { read_file: { path: path('/') }, deploy: {} };
const root = ana.issue({ to: planner, tools, ttl: '1h', reason: 'fix the login page' });
const chain = planner.delegate(root, { to: coder, tools: { read_file: { path: path('/src') } }, ttl: '10m' });

const verifier = new Verifier({ trust: [ana], audience: SERVER });
for (const name of ['/src/login.py', '/secrets/key.pem']) {
  const args = { path: name };
  const presentation = coder.prove(chain, 'read_file', args, SERVER);
  try {
    const allowed = verifier.authorize(presentation, 'read_file', args);
    console.log(`${name}: allowed\n  ${allowed.audit}`);
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    console.log(`${name}: ${error.code}, ${error.help}\n  ${error.record.sentence}`);
  }
}
