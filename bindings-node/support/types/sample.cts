// The same from CommonJS.
import deputize = require('deputize');
import constraints = require('deputize/constraints');
import mcp = require('deputize/mcp');

const chain: deputize.Chain = deputize.Agent.generate('ana').issue({ to: deputize.Agent.generate('b'), tools: { t: { a: constraints.exact(1) } } });
const text: string = chain.text;
console.log(text, mcp.META_KEY, deputize.exact(1).accepts(1));
const again: constraints.Constraint = deputize.url('a.example', { public: true }).narrow(constraints.glob('https://**'));
console.log(again.toString());
// @ts-expect-error: a bound is a number
constraints.atLeast('1');
