// A process that uses a state file: run by state-file.test. It takes lists until it is killed, or `once`.
import { pathToFileURL } from 'node:url';
import { Agent, RevocationList, StateFile, Target, TrustState } from 'deputize';

export const ana = Agent.fromSeed('ana', new Uint8Array(32).fill(1));
const IDS = 2000;

/** A full list now and then, otherwise a change; so large that it is not written in an instant. */
export function following(state) {
  const sequence = (state.held('ana')?.sequence ?? 0) + 1;
  const id = (at) => Target.token((sequence * IDS + at).toString(16).padStart(32, '0'));
  const base = sequence % 8 === 1 ? undefined : sequence - 1;
  return new RevocationList(sequence, { base, revoke: Array.from({ length: IDS }, (_, at) => id(at)) }).sign(ana, { ttl: '1h' });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [what, path] = process.argv.slice(2);
  const file = StateFile.open(path, new TrustState(ana));
  do {
    if (file.applyList(following(file.state)) !== 'accepted') throw new Error('not accepted');
    process.stdout.write(`${file.state.held('ana').sequence}\n`);
  } while (what !== 'once');
}
