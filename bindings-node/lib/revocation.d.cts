import type { Approval } from './approval.cjs';
import type { Session } from './budget.cjs';
import type { Agent, Chain, SigningKey, VerifyingKey } from './index.cjs';

/** Something that a revocation is about. Its text form is one line, such as `token:` and 32 lower-case hex digits. */
export declare class Target {
  private constructor();
  static token(id: Uint8Array | string): Target;
  static key(key: Agent | VerifyingKey): Target;
  static session(session: Session | Uint8Array | string): Target;
  static task(task: Session | Uint8Array | string): Target;
  static approval(approval: Approval | Uint8Array | string): Target;
  static fromText(text: string): Target;
  toString(): string;
  toJSON(): string;
}

export interface ListOptions {
  /** The number of the list that this one changes. Without it the list is whole, and stands instead of every one before it. */
  base?: number;
  /** Roots that were issued before this time are refused; seconds since 1970. */
  epoch?: number;
  revoke?: readonly (Target | string)[];
  suspend?: readonly (Agent | VerifyingKey)[];
  pending?: readonly (Agent | VerifyingKey)[];
  /** In a change: neither suspended nor pending any more. */
  activate?: readonly (Agent | VerifyingKey)[];
}

/** What an authority says is revoked, suspended or pending. */
export declare class RevocationList {
  /** The numbers of an authority's lists only go up. */
  constructor(sequence: number, options?: ListOptions);
  /** The bytes of the list, by the authority that the agent is; fresh for `ttl`. */
  sign(agent: Agent, options: { ttl: number | string }): Uint8Array;
}

/** Signs with both keys that `next` follows `old`, which is good for `overlap` more (at most a day, and no time unless given). */
export declare function rotate(old: Agent | SigningKey, next: Agent | SigningKey, options?: { overlap?: number | string; name?: string }): Uint8Array;

/** Who says what is revoked. */
export declare class Authority {
  constructor(
    name: string,
    key: Agent | VerifyingKey,
    options?: {
      /** Its lists are about the chains of every trust anchor, and not only of the one of its name. */
      forEveryIssuer?: boolean;
      /** Lists with a lower number are refused. */
      atLeast?: number;
      /** Chains are judged by the last list, or by none, where there is no fresh one. */
      dangerAllowStale?: boolean;
    },
  );
  get name(): string;
}

export interface RevokedEvent {
  readonly target: string;
  readonly standing: 'revoked' | 'suspended' | 'pending';
  readonly authority: string;
  readonly sequence: number;
  readonly acceptedMs: number;
}

export interface RevokedMoreEvent {
  readonly authority: string;
  readonly sequence: number;
  readonly count: number;
}

export interface DeniedEvent {
  readonly target: string;
  readonly authority: string;
  readonly acceptedMs: number;
  readonly afterMs: number;
}

/** Observers are called after what they are told of. What they throw or answer changes nothing. */
export interface TrustStateOptions {
  onRevoked?: (event: RevokedEvent) => unknown;
  /** So many targets more of a list are not told one by one. */
  onRevokedMore?: (event: RevokedMoreEvent) => unknown;
  /** Something that was revoked was used for the first time since. */
  onDenied?: (event: DeniedEvent) => unknown;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

/** What verifiers know of revocations and rotations. It moves only forward. */
export declare class TrustState {
  constructor(authorities: Authority | Agent | readonly (Authority | Agent)[], options?: TrustStateOptions);
  /** Takes a list. Refused, it changes nothing. */
  applyList(list: Uint8Array): 'accepted' | 'unchanged';
  applyRotation(rotation: Uint8Array): 'accepted' | 'unchanged';
  /** For a list that comes in chunks. */
  loader(): ListLoader;
  /** What is held of an authority's lists. */
  held(authority: string): { readonly sequence: number; readonly nextUpdate: number; readonly acceptedMs: number; readonly ids: number } | null;
  /** The equivocations that were seen: two signed objects each, which cannot both be true. */
  get evidence(): readonly { readonly code: string; readonly about: string; readonly first: Uint8Array; readonly second: Uint8Array }[];
  /** A key and its successors, oldest first. */
  keysOf(key: Agent | VerifyingKey): { readonly key: VerifyingKey; readonly retired: boolean }[];
  /** Throws unless a key is good for signing about chains of this issuer. */
  judgeKey(issuer: string, key: Agent | VerifyingKey): void;
  /** Throws unless an approval of a call of this issuer's chain still stands. */
  judgeApproval(issuer: string, approval: Approval | Uint8Array | string): void;
}

/** A list that is being loaded. Until `finish` nothing changes. */
export declare class ListLoader {
  private constructor();
  push(chunk: Uint8Array): void;
  finish(): 'accepted' | 'unchanged';
}

/** Keeps the lists and rotations that a state accepted, so that they are there after a restart. They come through here from then on, and not to the state. */
export declare class StateFile {
  private constructor();
  /** A new file, for a state that holds nothing yet. */
  static create(path: string, state: TrustState): StateFile;
  /** Reads a file into the state. */
  static open(path: string, state: TrustState): StateFile;
  get state(): TrustState;
  /** Takes a list and keeps it. Refused, it changes nothing. */
  applyList(list: Uint8Array): 'accepted' | 'unchanged';
  applyRotation(rotation: Uint8Array): 'accepted' | 'unchanged';
  /** Takes over what other processes put into the file since. */
  refresh(): void;
}

/** When a token is renewed, and until when that goes on. A renewed token gives what the old one gave, to the same holder, for as long. */
export declare class RenewalPolicy {
  /** Renews in the last `before` of a token, and not to live beyond `until`, in seconds since 1970. */
  constructor(
    before: number | string,
    until: number,
    options?: {
      /** Nothing is renewed for a holder that is revoked, suspended, pending or retired, or about whom there is nothing fresh. */
      state?: TrustState;
      /** Milliseconds since 1970. */
      clock?: () => number;
    },
  );
  /** A fresh root instead of one that this agent issued and that ends soon; `null` while it is not due. */
  renewRoot(agent: Agent, chain: Chain): Chain | null;
  /** A fresh token below `parent` instead of the leaf of `chain`, which this agent delegated and which ends soon; `null` while it is not due. */
  renew(agent: Agent, parent: Chain, chain: Chain): Chain | null;
}
