// One agent is compromised: its key is revoked, its siblings keep working, and the record says who was refused and when.

import { Agent, RevocationList, Target, TrustState, Verifier } from 'deputize';

const SERVER = 'https://git.acme.example';

const [ana, planner] = ['ana', 'planner'].map((name) => Agent.generate(name));
const coders = [1, 2, 3].map((number) => Agent.generate(`coder-${number}`));

const chain = ana.issue({ to: planner, tools: { read_file: {} }, reason: 'fix the login page' });
const chains = new Map(coders.map((coder) => [coder.name, planner.delegate(chain, { to: coder })]));

const state = new TrustState(ana);
state.applyList(new RevocationList(1).sign(ana, { ttl: '5m' }));
const verifier = new Verifier({ trust: ana, audience: SERVER, state });

function everybodyReads() {
  for (const coder of coders) {
    const presentation = coder.prove(chains.get(coder.name), 'read_file', { path: 'README.md' }, SERVER);
    try {
      console.log(`  ${verifier.authorize(presentation, 'read_file', { path: 'README.md' }).caller}: allowed`);
    } catch (denied) {
      console.log(`  ${coder.name}: ${denied.code}\n  ${denied.record.sentence}`);
    }
  }
}

console.log('before:');
everybodyReads();

const stolen = coders[1];
const change = new RevocationList(2, { base: 1, revoke: [Target.key(stolen)] });
state.applyList(change.sign(ana, { ttl: '5m' }));

console.log(`after the key of ${stolen.name} was revoked:`);
everybodyReads();
