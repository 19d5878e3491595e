// A worker process: tells what it can make.
import { Agent, MemoryStore, Verifier } from 'deputize';

const trust = [Agent.generate('ana')];
const outcomes = [{}, { store: new MemoryStore() }].map((options) => {
  try {
    new Verifier({ trust, audience: 'https://tools.acme.example', ...options });
    return 'made';
  } catch (error) {
    return error.code;
  }
});
process.send(outcomes, () => process.exit(0));
