// Pairs of constraints that core has judged, judged again through the npm package. `npm run test:pairs` with DEPUTIZE_PAIRS, a file of lines
// {"parent": hex, "child": hex, "narrower": bool, "value": hex, "parent_accepts": bool, "child_accepts": bool}; without the file, or with an empty one, it fails.
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Constraint, decodeValue } from 'deputize';

const FIELDS = { parent: 'string', child: 'string', narrower: 'boolean', value: 'string', parent_accepts: 'boolean', child_accepts: 'boolean' };
const bytes = (hex) => Buffer.from(hex, 'hex');

test('constraints are compared, and accept values, as in core', async () => {
  const file = process.env.DEPUTIZE_PAIRS;
  assert.ok(file, 'DEPUTIZE_PAIRS names the file of pairs');
  const seen = { lines: 0, narrower: 0, wider: 0, accepted: 0, refused: 0 };
  for await (const line of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })) {
    const pair = JSON.parse(line);
    for (const [name, type] of Object.entries(FIELDS)) assert.equal(typeof pair[name], type, `${name} in ${line}`);
    const [parent, child] = [Constraint.decode(bytes(pair.parent)), Constraint.decode(bytes(pair.child))];
    const value = decodeValue(bytes(pair.value));
    const found = { narrower: parent.subsumes(child), parent_accepts: parent.accepts(value), child_accepts: child.accepts(value) };
    for (const [name, answer] of Object.entries(found)) assert.equal(answer, pair[name], `${name}: ${parent} / ${child} in ${line}`);
    assert.ok(!found.narrower || !found.child_accepts || found.parent_accepts, `not sound: ${line}`);
    seen.lines++;
    seen[found.narrower ? 'narrower' : 'wider']++;
    seen[found.child_accepts ? 'accepted' : 'refused']++;
  }
  assert.ok(Object.values(seen).every((count) => count > 0), `pairs of one kind only: ${JSON.stringify(seen)}`);
  console.log(`${seen.lines} pairs, ${seen.narrower} of them narrower`);
});
