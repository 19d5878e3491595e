// Authority gets narrower hop by hop: a path, a glob below it, two files, one. Who asks for more is told a value.
import { Agent, Denied, DeputizeError, Verifier, glob, path } from 'deputize';

const SERVER = 'https://git.acme.example';
const names = ['ana', 'planner', 'coder', 'reviewer', 'linter', 'stranger'];
const [ana, planner, coder, reviewer, linter, stranger] = names.map((name) => Agent.generate(name));

/** What the holder of the last token may read. */
const reading = (chain) => chain.unverifiedClaims().at(-1).tools.read_file.path;

// A path: all below /src.
let chain = ana.issue({ to: planner, tools: { read_file: { path: path('/src') } }, maxDepth: 5, reason: 'review the login page' });
console.log(`planner may read ${reading(chain)}`);

// The planner asks for the Python files and for a tool that it does not have, and gives what it may give of that.
chain = planner.delegate(chain, { to: coder, tools: chain.narrow({ read_file: { path: glob('/src/*.py') }, deploy: {} }) });
console.log(`coder may read ${reading(chain)}`);

// Two files, then one of them. An array stands for oneOf, a text for exact.
chain = coder.delegate(chain, { to: reviewer, tools: { read_file: { path: ['/src/app.py', '/src/login.py'] } } });
console.log(`reviewer may read ${reading(chain)}`);
chain = reviewer.delegate(chain, { to: linter, tools: { read_file: { path: '/src/login.py' } } });
console.log(`linter may read ${reading(chain)}`);

// The linter cannot hand on what the coder had. What would be too much can be asked before ...
const wider = glob('/src/*.py');
console.log(`for example ${reading(chain).counterexample(wider).value} is allowed by the child alone`);

// ... and is in the refusal.
try {
  linter.delegate(chain, { to: stranger, tools: { read_file: { path: wider } } });
} catch (error) {
  if (!(error instanceof DeputizeError)) throw error;
  console.log(`${error.message}\n  ${error.help}`);
}

// A denied call names the argument, what it must be, and the first token that says so.
const verifier = new Verifier({ trust: [ana], audience: SERVER });
for (const name of ['/src/login.py', '/src/app.py']) {
  const args = { path: name };
  const presentation = linter.prove(chain, 'read_file', args, SERVER);
  try {
    console.log(`${name}: allowed\n  ${verifier.authorize(presentation, 'read_file', args).audit}`);
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    console.log(`${name}: ${error.code} by token ${error.link}, ${error.context}`);
  }
}
