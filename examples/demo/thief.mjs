// The thief: found the coder's token and one recorded call, and has a key of its own, not the coder's.
import { readFileSync } from 'node:fs';
import { Agent, Chain, SigningKey } from 'deputize';
import { attempt, connect, hear, present, tell } from './agent.mjs';
import { digest, presentationOf, proofIn, resign } from './forge.mjs';

const key = SigningKey.generate();
const thief = new Agent('thief', key);
tell({ did: thief.did });

const { url, audience, leak } = await hear();
const found = JSON.parse(readFileSync(leak, 'utf8'));
const stolen = Chain.fromText(found.chain);
const server = await connect('thief', url);
const report = (step, result) => tell({ step, ...result });
const login = { repository: 'website', path: '/src/login.py' };

// The stolen token with the thief's own key. First the SDK is asked for the proof; then a proof by hand, right in
// everything but its signature.
report('steal-by-sdk', attempt(() => thief.prove(stolen, 'read_file', login, audience)));

const harmless = Agent.generate('coder').issue({ to: thief, tools: { read_file: {} } });
const proof = proofIn(thief.prove(harmless, 'read_file', login, audience), harmless);
const forStolen = resign(proof, key, digest(harmless.tokens[0]), digest(stolen.tokens.at(-1)));
report('steal-by-hand', await present(server, presentationOf(stolen, forStolen), 'read_file', login));

// A root of the thief's own making, in the name of the one whom the server trusts.
const pretended = new Agent('ana', key).issue({ to: Agent.generate('x').key, tools: { deploy: {} } });
report('pretend', await present(server, presentationOf(pretended, proof), 'deploy', { repository: 'website', version: 'v6.6.6' }));

// The recorded call, once more as it was, and once with other arguments.
report('replay', await present(server, found.sent, 'read_file', login));
report('replay-other', await present(server, found.sent, 'read_file', { repository: 'website', path: '/src/app.py' }));

await server.close();
process.exit(0);
