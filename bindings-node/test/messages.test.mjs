// Signed messages: each is taken once, in order, by the one it is for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Inbox, Outbox, ReceivedMessage, Session } from 'deputize';
import { cast, hex, refused } from '../support/helpers.mjs';

const { planner, mallory } = cast();
const text = (given) => Buffer.from(given);
const PAYLOAD = text('do it');

/** An inbox of the coder's that knows the planner, and the planner's outbox. */
function pair(options = {}) {
  const session = Session.open();
  const outbox = new Outbox(planner);
  const send = (payload = PAYLOAD, given = {}) => outbox.send(payload, { to: 'coder', session, ...given });
  return { session, outbox, send, inbox: new Inbox('coder', { know: [planner], ...options }) };
}

test('a message is received once, in order, with its payload', () => {
  const { session, send, inbox } = pair();
  const token = new Uint8Array(32).fill(9);
  const [first, second, third] = [send(), send(text('again'), { token, ttl: '5m' }), send()];
  const received = inbox.receive(first, PAYLOAD, { session });
  assert.ok(received instanceof ReceivedMessage);
  assert.deepEqual([String(received.sender), received.session, received.sequence, received.token, text('do it').equals(received.payload)], [planner.did, String(session), 0, null, true]);
  refused('message-replayed', () => inbox.receive(first, PAYLOAD));
  refused('message-out-of-order', () => inbox.receive(third, PAYLOAD));
  assert.deepEqual([inbox.receive(second, text('again')).token, inbox.receive(third, PAYLOAD).sequence], [hex(token), 2]);
});

test('another recipient, session, payload, sender or key is refused, and changes nothing', () => {
  const { send, inbox, session } = pair();
  const message = send();
  const flipped = Uint8Array.from(message);
  flipped[flipped.length - 1] ^= 1;
  refused('message-mismatch', () => new Inbox('planner', { know: [planner] }).receive(message, PAYLOAD));
  refused('message-mismatch', () => inbox.receive(message, PAYLOAD, { session: Session.open() }));
  refused('message-mismatch', () => inbox.receive(message, text('do it not')));
  refused('sender-unknown', () => new Inbox('coder').receive(message, PAYLOAD));
  refused('sender-unknown', () => inbox.receive(new Outbox(mallory).send(PAYLOAD, { to: 'coder', session }), PAYLOAD));
  refused('signature-invalid', () => inbox.receive(flipped, PAYLOAD));
  for (let at = 0; at < message.length; at++) assert.throws(() => inbox.receive(message.subarray(0, at), PAYLOAD), { name: 'DeputizeError' });
  assert.equal(inbox.receive(message, PAYLOAD).sequence, 0);
});

test('messages have a time, and clocks do not run backwards', () => {
  let now = Date.now() - 50_000;
  const { send, inbox } = pair({ clock: () => now });
  const [early, late] = [send(), send()];
  refused('message-not-yet-valid', () => inbox.receive(early, PAYLOAD));
  now += 60_000;
  assert.equal(inbox.receive(early, PAYLOAD).sequence, 0);
  now += 120_000;
  refused('message-expired', () => inbox.receive(late, PAYLOAD));
  now -= 120_000;
  refused('clock-behind', () => inbox.receive(late, PAYLOAD));
  for (const odd of [NaN, -0, 0, 1.5, '5', null, undefined, Promise.resolve(now)]) refused('clock-invalid', () => new Inbox('coder', { clock: () => odd }));
});

test('who is forgotten or whose session is closed is not heard', () => {
  const { send, inbox, session } = pair();
  const [first, second, third] = [send(), send(), send()];
  inbox.receive(first, PAYLOAD);
  inbox.forget(planner);
  refused('sender-unknown', () => inbox.receive(second, PAYLOAD));
  inbox.know(planner.key);
  refused('message-replayed', () => inbox.receive(first, PAYLOAD));
  inbox.receive(second, PAYLOAD);
  inbox.close(session);
  refused('session-closed', () => inbox.receive(third, PAYLOAD));
});

test('states go on where they ended, and know nobody', () => {
  const { send, inbox, outbox, session } = pair();
  const first = send();
  inbox.receive(first, PAYLOAD);
  const again = Inbox.decode(inbox.encode(), 'coder', { know: [planner], capacity: 5 });
  refused('message-replayed', () => again.receive(first, PAYLOAD));
  const next = Outbox.decode(outbox.encode(), planner).send(PAYLOAD, { to: 'coder', session });
  refused('sender-unknown', () => Inbox.decode(inbox.encode(), 'coder').receive(next, PAYLOAD));
  assert.equal(again.receive(next, PAYLOAD).sequence, 1);
  refused('config-invalid', () => Inbox.decode(inbox.encode(), 'planner'));
  refused('holder-mismatch', () => Outbox.decode(outbox.encode(), mallory).send(PAYLOAD, { to: 'coder', session }));
  for (const state of [undefined, null, 'x', {}, new Uint8Array(), inbox.encode().subarray(0, -1), outbox.encode()]) assert.throws(() => Inbox.decode(state, 'coder'), { name: 'DeputizeError' });
  for (const state of [undefined, null, 'x', {}, new Uint8Array(), outbox.encode().subarray(0, -1), inbox.encode()]) assert.throws(() => Outbox.decode(state, planner), { name: 'DeputizeError' });
});

test('what programs should never pass is refused by its own code', () => {
  const { outbox, inbox, session, send } = pair();
  for (const payload of [undefined, null, 'do it', 5, {}, [1], new Uint16Array(2), new ArrayBuffer(2), new Proxy(PAYLOAD, {})]) {
    refused('value-unsupported', () => send(payload ?? null));
    refused('value-unsupported', () => inbox.receive(new Uint8Array(), payload ?? null));
  }
  refused('too-large', () => send(new Uint8Array(16 * 1024 * 1024 + 1)));
  for (const message of [undefined, null, 'x', 5, {}, new Proxy(new Uint8Array(1), {})]) refused('malformed', () => inbox.receive(message, PAYLOAD));
  for (const to of ['', '\ud800', 5, null, {}]) refused('name-invalid', () => send(PAYLOAD, { to }));
  for (const to of ['to', 'session']) refused('claim-missing', () => send(PAYLOAD, { [to]: undefined }));
  for (const wrong of ['x', new Uint8Array(15), 5, null, String(session).toUpperCase()]) {
    refused('claim-invalid', () => send(PAYLOAD, { session: wrong }));
    refused('claim-invalid', () => send(PAYLOAD, { token: wrong }));
    refused('claim-invalid', () => inbox.close(wrong));
    refused('claim-invalid', () => outbox.close(wrong));
    refused('claim-invalid', () => inbox.receive(send(), PAYLOAD, { session: wrong }));
  }
  for (const ttl of [0, -0, -1, 3601, NaN, true, null, '1y']) refused('claim-invalid', () => send(PAYLOAD, { ttl }));
  for (const name of ['', '\ud800', 5, null, undefined]) refused('name-invalid', () => new Inbox(name));
  for (const capacity of [0, -1, NaN, 2 ** 40, '5', true, null]) refused('config-invalid', () => new Inbox('x', { capacity }));
  for (const know of [planner, null, 'x']) refused('config-invalid', () => new Inbox('x', { know }));
  for (const key of [undefined, null, planner.did, {}, new Proxy(planner, {})]) refused('key-invalid', () => inbox.know(key));
  for (const agent of [undefined, planner.key, {}, new Proxy(planner, {})]) refused('key-invalid', () => new Outbox(agent));
});

test('what was sent or received is not what somebody changes later', () => {
  const { send, inbox } = pair();
  const [mutable, message] = [Buffer.from(PAYLOAD), send()];
  const received = inbox.receive(message, mutable);
  mutable.fill(0);
  received.payload.fill(0);
  assert.ok(PAYLOAD.equals(received.payload));
  assert.throws(() => { received.sequence = 5; }, TypeError);
});

test('an outbox cannot be cloned, sent to a worker or shown with its key', async () => {
  const { outbox } = pair();
  const seed = hex(new Uint8Array(32).fill(2));
  assert.ok(!(inspect(outbox, { depth: 9, showHidden: true }) + JSON.stringify(outbox)).includes(seed));
  assert.throws(() => structuredClone(outbox).send(PAYLOAD, { to: 'coder', session: Session.open() }));
  const worker = new Worker('require("node:worker_threads").parentPort.postMessage(typeof require("node:worker_threads").workerData.send)', { eval: true, workerData: outbox });
  const found = await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
  assert.equal(found, 'undefined');
});
