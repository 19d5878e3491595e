import type { Session } from './budget.cjs';
import type { Agent, VerifyingKey } from './index.cjs';

/** One sender's messages: numbers those of each recipient and session. */
export declare class Outbox {
  constructor(agent: Agent);
  /** One that goes on from a state. */
  static decode(state: Uint8Array, agent: Agent): Outbox;
  /** Signs the next message of its session, at most an hour, a minute unless given; the payload travels beside it. */
  send(payload: Uint8Array, options: { to: string; session: Session | Uint8Array | string; token?: Uint8Array | string; ttl?: number | string }): Uint8Array;
  /** Forgets a session that is over. */
  close(session: Session | Uint8Array | string): void;
  /** The state, to be stored after a message was signed and before it is sent. */
  encode(): Uint8Array;
}

export interface InboxOptions {
  /** Senders that it knows from the beginning. */
  know?: readonly (Agent | VerifyingKey)[];
  /** How many sessions of each sender; 1024 unless given. */
  capacity?: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
}

/** One recipient's messages: takes each once, in order, from senders that it knows. */
export declare class Inbox {
  constructor(name: string, options?: InboxOptions);
  /** One that goes on from a state. It knows nobody until it is told. */
  static decode(state: Uint8Array, name: string, options?: InboxOptions): Inbox;
  know(sender: Agent | VerifyingKey): void;
  forget(sender: Agent | VerifyingKey): void;
  /** Refuses a session from now on. */
  close(session: Session | Uint8Array | string): void;
  receive(message: Uint8Array, payload: Uint8Array, options?: { session?: Session | Uint8Array | string }): ReceivedMessage;
  /** The state, to be stored after a message was received and before it is acted on. */
  encode(): Uint8Array;
}

export declare class ReceivedMessage {
  private constructor();
  get payload(): Uint8Array;
  get sender(): VerifyingKey;
  get session(): string;
  /** Its place in the session, from 0. */
  get sequence(): number;
  get id(): string;
  /** The hash of the token that it is about. No authority. */
  get token(): string | null;
  get issued(): number;
}
