// What an attacker would write: tokens and proofs put together by hand, past the checks of the SDK. Only the demo's attacks use it.
// The format is in docs/spec/encoding.md: a COSE_Sign1 is 18([protected, {}, payload, signature]).
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { Chain } from 'deputize';

const ENVELOPE = Buffer.of(0xd2, 0x84); // tag 18, an array of four
const NO_HEADERS = Buffer.of(0xa0);

function head(major, length) {
  if (length < 24) return Buffer.of((major << 5) | length);
  if (length < 0x100) return Buffer.of((major << 5) | 24, length);
  return Buffer.of((major << 5) | 25, length >> 8, length & 0xff);
}

const byteString = (bytes) => Buffer.concat([head(2, bytes.length), bytes]);

/** The byte string that starts at `at`, and where it ends. */
function readByteString(from, at) {
  const short = from[at] & 31;
  const size = { 24: 1, 25: 2 }[short] ?? 0;
  const start = at + 1 + size;
  const end = start + (size === 0 ? short : Buffer.from(from).readUIntBE(at + 1, size));
  return [Buffer.from(from.subarray(start, end)), end];
}

function open(envelope) {
  const [header, end] = readByteString(envelope, ENVELOPE.length);
  const [payload] = readByteString(envelope, end + NO_HEADERS.length);
  return { header, payload };
}

function signed(header, payload) {
  const context = Buffer.from('Signature1');
  const parts = [header, Buffer.alloc(0), payload].map(byteString);
  return Buffer.concat([head(4, 4), head(3, context.length), context, ...parts]);
}

/** What a child and a proof name an object by. */
export function digest(envelope) {
  const { header, payload } = open(envelope);
  return createHash('sha256').update(signed(header, payload)).digest();
}

/** The same object with one part of its payload exchanged, signed with this key. */
export function resign(envelope, key, from, to) {
  const { header, payload } = open(envelope);
  const at = payload.indexOf(from);
  if (at < 0 || payload.indexOf(from, at + 1) >= 0) throw new Error('the part to exchange is not there exactly once');
  const changed = Buffer.concat([payload.subarray(0, at), to, payload.subarray(at + from.length)]);
  const signature = sign(null, signed(header, changed), createPrivateKey(key.toPem()));
  return Buffer.concat([ENVELOPE, byteString(header), NO_HEADERS, byteString(changed), byteString(signature)]);
}

/** A chain of these tokens. */
export function chainOf(tokens) {
  return Chain.decode(Buffer.concat([head(4, tokens.length), ...tokens.map((token) => byteString(token))]));
}

/** The proof in a presentation of this chain. */
export function proofIn(presentation, chain) {
  return readByteString(presentation.bytes, 1 + chain.bytes.length)[0];
}

/** A chain and a proof as they travel. */
export function presentationOf(chain, proof) {
  return Buffer.concat([head(4, 2), chain.bytes, byteString(proof)]).toString('base64url');
}
