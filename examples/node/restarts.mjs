// An agent and its server restart: the new key is vouched for and gets an identity; the old key is still refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  Agent, CodeAttestor, IdentityPolicy, IdentityRule, MemoryStore, Registrar, RevocationList, StateFile, Target, TrustState, Verifier, measure,
} from 'deputize';

const SERVER = 'https://git.acme.example';

const [ana, acme, runner] = ['ana', 'acme', 'runner'].map((name) => Agent.generate(name));
const folder = mkdtempSync(join(tmpdir(), 'deputize-'));
writeFileSync(join(folder, 'agent.mjs'), "console.log('working')\n");
const code = Buffer.from(measure(folder, ['agent.mjs'])).toString('hex');

const registrar = new Registrar(acme, [new CodeAttestor('release', runner, { [code]: 'coder' })]);
const store = new MemoryStore();
const rule = new IdentityRule('leaf', { kind: 'agent', attestors: ['release'] });
const identities = new IdentityPolicy(acme, [rule]);
const kept = join(folder, 'trust.state');
StateFile.create(kept, new TrustState(ana));

/** What the server does when it starts: what it knows of revocations is in a file. */
function serve() {
  const file = StateFile.open(kept, new TrustState(ana));
  return [file, new Verifier({ trust: ana, audience: SERVER, state: file.state, identities })];
}

/** What the runner does when it starts the agent, and what the agent does first. */
function start() {
  const agent = Agent.generate('coder');
  const challenge = registrar.challenge();
  const word = runner.vouch('coder', agent.key, challenge, { measurement: measure(folder, ['agent.mjs']) });
  return [agent, registrar.enrol(agent.enrol(challenge, 'acme', 'release', word), store)];
}

function read(agent, identity) {
  const chain = ana.issue({ to: agent, tools: { read_file: {} } });
  const presentation = agent.prove(chain, 'read_file', {}, SERVER, { evidence: [identity] });
  try {
    console.log(verifier.authorize(presentation, 'read_file', {}).audit);
  } catch (denied) {
    console.log(`${denied.code}: ${denied.record.sentence}`);
  }
}

let [file, verifier] = serve();
file.applyList(new RevocationList(1).sign(ana, { ttl: '5m' }));
const [before, identity] = start();
read(before, identity);

// The agent's machine goes down. Nobody knows who has the old key now, so it is revoked.
file.applyList(new RevocationList(2, { base: 1, revoke: [Target.key(before)] }).sign(ana, { ttl: '5m' }));
// Then the server goes down too. It starts with what it knew, and the agent with a new key.
[file, verifier] = serve();
const [after, fresh] = start();
read(after, fresh);
read(before, identity);

// Other code than the release is not attested.
writeFileSync(join(folder, 'agent.mjs'), "console.log('stealing')\n");
try {
  start();
} catch (refused) {
  console.log(refused.message);
}
rmSync(folder, { recursive: true });
