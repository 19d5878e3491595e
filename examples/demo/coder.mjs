// The coder: an agent in a process of its own, with a key that nobody else has. It works, and then it tries what it may not.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Actor, Agent, Chain, SigningKey, encodeTools } from 'deputize';
import { signCalls } from 'deputize/mcp';
import { attempt, connect, hear, outcome, present, tell } from './agent.mjs';
import { chainOf, digest, presentationOf, proofIn, resign } from './forge.mjs';

const key = SigningKey.generate();
const coder = new Agent('coder', key);
tell({ did: coder.did });

const { url, audience, leak, chain: text, short } = await hear();
const chain = Chain.fromText(text);
const server = await connect('coder', url);
const report = (step, result) => tell({ step, ...result });

// The work: calls that are signed on their way out.
const signing = signCalls(await connect('coder', url), new Actor(coder, chain), audience);
const call = async (step, name, args) => report(step, outcome(await signing.callTool({ name, arguments: args })));

const login = { repository: 'website', path: '/src/login.py' };
await call('read', 'read_file', login);
await call('pull-request', 'open_pull_request', {
  ...login,
  branch: 'fix-login',
  title: 'Compare passwords in constant time',
  content: 'import hmac\n\n\ndef login(given, stored):\n    return hmac.compare_digest(given, stored)\n',
});

// Outside the scope.
const release = { repository: 'website', version: 'v6.6.6' };
await call('other-repository', 'read_file', { repository: 'payroll', path: '/src/salaries.py' });
await call('other-folder', 'read_file', { repository: 'website', path: '/secrets/production.env' });
await call('climbing-path', 'read_file', { repository: 'website', path: '/src/../secrets/production.env' });
await call('other-tool', 'deploy', release);
report('no-token', await present(server, undefined, 'read_file', login));

// A widened token. First the SDK is asked for it; then it is put together by hand: for a helper, with a signature that is
// really the coder's; in the coder's own token, where the planner's signature is missing; and by leaving out the coder's
// token, since the planner's allows more.
const helper = Agent.generate('helper');
const narrow = { read_file: { repository: 'website', path: '/src/login.py' } };
const wide = { ...narrow, deploy: {} };
report('widen-by-sdk', attempt(() => coder.delegate(chain, { to: helper, tools: wide })));

const honest = coder.delegate(chain, { to: helper, tools: narrow });
const [root, own, below] = honest.tokens;
const forHelper = chainOf([root, own, resign(below, key, encodeTools(narrow), encodeTools(wide))]);
const byHelper = helper.prove(forHelper, 'deploy', release, audience).text;
report('widen-by-hand', await present(server, byHelper, 'deploy', release));

const mine = chain.unverifiedClaims().at(-1);
const rewritten = chainOf([root, resign(own, key, encodeTools(mine.tools), encodeTools({ deploy: {} }))]);
const byCoder = coder.prove(rewritten, 'deploy', release, audience).text;
report('widen-own-token', await present(server, byCoder, 'deploy', release));

const proof = proofIn(coder.prove(chain, 'deploy', release, audience), chain);
const forRoot = resign(proof, key, digest(own), digest(root));
report('drop-own-token', await present(server, presentationOf(chainOf([root]), forRoot), 'deploy', release));

// What leaks: the token, and one call as it went over the wire.
const sent = coder.prove(chain, 'read_file', login, audience).text;
const answer = await present(server, sent, 'read_file', login);
writeFileSync(leak, JSON.stringify({ chain: chain.text, sent }), { mode: 0o600 });
report('leak', answer);

// A token for one second, used after it.
await hear();
const brief = Chain.fromText(short);
const expires = brief.unverifiedClaims().at(-1).expires * 1000;
await sleep(Math.max(0, expires - Date.now()) + 50);
const late = coder.prove(brief, 'read_file', login, audience).text;
report('expired', await present(server, late, 'read_file', login));

await Promise.all([signing.close(), server.close()]);
process.exit(0);
