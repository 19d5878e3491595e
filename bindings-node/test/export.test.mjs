// Records in the forms of other systems: the table, and CloudEvents as their own package reads them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HTTP } from 'cloudevents';
import { toAct, toCloudEvent, toOcsf, toTelemetry } from 'deputize/export';
import { AUDIENCE, chainFor, denied, refused, verifierFor } from '../support/helpers.mjs';

const { cases } = JSON.parse(readFileSync(fileURLToPath(new URL('../../tests/vectors/export.json', import.meta.url)), 'utf8'));
const parsed = (text) => (text === null ? null : JSON.parse(text));

test('every record has the forms that the table says, as JSON and as an object', () => {
  assert.ok(cases.length > 20);
  for (const one of cases) {
    for (const record of [one.record, JSON.parse(one.record)]) {
      assert.deepEqual(toAct(record), parsed(one.act));
      assert.deepEqual(toCloudEvent(record, one.origin, one.sequence), parsed(one.cloud_event));
      assert.deepEqual(toOcsf(record, one.origin, one.sequence), parsed(one.ocsf));
      assert.deepEqual(toTelemetry(record), parsed(one.telemetry));
    }
  }
});

test('the package cloudevents reads every event', () => {
  for (const one of cases) {
    const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
    const event = HTTP.toEvent({ headers, body: one.cloud_event });
    assert.equal(event.validate(), true);
    assert.equal(event.id, `${one.origin}#${one.sequence}`);
    assert.equal(event.type, `dev.deputize.${JSON.parse(one.record).kind}`);
    assert.deepEqual(event.data, JSON.parse(one.record));
  }
});

test('what a verifier records has every form', () => {
  const { ana, planner, coder, chain } = chainFor();
  const verifier = verifierFor(ana);
  const proof = coder.prove(chain, 'deploy', {}, AUDIENCE);
  const { record } = verifier.authorize(proof, 'deploy', {});
  assert.deepEqual(toAct(record).act, { name: 'coder', sub: coder.did, act: { name: 'planner', sub: planner.did } });
  assert.equal(toOcsf(record, 'calls', 1).time, record.timeMs);
  const again = denied('proof-replayed', () => verifier.authorize(proof, 'deploy', {}));
  assert.equal(toTelemetry(again.record).attributes['error.type'], 'proof-replayed');
});

test('what is no record is malformed, and an entry has an origin and a sequence', () => {
  const cyclic = {};
  cyclic.own = cyclic;
  for (const record of ['', '{}[]', '[]', {}, { kind: 1 }, [], cyclic, { kind: 1n }, 7, null, undefined, '\ud800']) {
    refused('malformed', () => toCloudEvent(record, 'calls', 1));
  }
  refused('name-invalid', () => toOcsf(cases[0].record, 7, 1));
  refused('config-invalid', () => toOcsf(cases[0].record, 'calls', -1));
  refused('malformed', () => toCloudEvent(cases[0].record, '', 1));
});
