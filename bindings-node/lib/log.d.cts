import type { Agent, AuditRecord, VerifyingKey } from './index.cjs';
import type { Signal, Signals } from './signals.cjs';

/** Something that was signed, revoked or opened, or what became of a call. */
export declare class AuditEvent {
  private constructor();
  get kind(): string;
  /** One line of canonical JSON. */
  json(options?: { arguments?: boolean }): string;
  get sentence(): string;
  get timeMs(): number;
  toString(): string;
  toJSON(): unknown;
}

/** Takes records and events. If it throws, an allowed call is denied, and what was signed is not given: no record, no action. */
export type AuditSink = AuditLog | ((record: AuditRecord | AuditEvent) => unknown);

export interface AuditLogOptions {
  /** What the log is called; the name of its file unless given. */
  origin?: string;
  /** Signs checkpoints, under the name of the origin. */
  key?: Agent;
  /** How many entries there are between checkpoints; 1,000 unless given. Needs a key. */
  checkpointEvery?: number;
  /** Verified checkpoints that were kept elsewhere: a log that is behind or beside one of them is not opened. */
  expect?: readonly Checkpoint[];
  /** Records the arguments of calls, or those of these names, not only their digest. */
  arguments?: boolean | readonly string[];
  /** 32 secret bytes: arguments that may be few things are then not found by their digest. */
  salt?: Uint8Array;
  /** Waits after each append until the system says that it is on the disk. */
  sync?: boolean;
  /** Begins a new file before one grows beyond so many bytes; 64 MiB unless given. */
  rotateAt?: number;
  /** How many denials a minute are recorded of callers that proved nothing; the rest is counted. 1,000 unless given. */
  unprovenPerMinute?: number;
  clock?: () => number;
  /** Watches the log: a copy of it is fed with all that is in the log and with each record that is appended, and its signals are appended too. */
  signals?: Signals;
  /** Told of each signal of the records that this log appends, within the call that appends. What it throws changes nothing. */
  onSignal?: (signal: Signal) => unknown;
}

/** An audit log in a file, which several processes may share. */
export declare class AuditLog {
  constructor(path: string, options?: AuditLogOptions);
  get path(): string;
  get origin(): string;
  /** How many entries there are, as this process knows. */
  get size(): number;
  /** The sequence of the record; null for a denial that was only counted. */
  append(record: AuditRecord | AuditEvent): number | null;
  /** Puts records, which are canonical JSON, at the end with one write: the sequence of the first. */
  appendJson(records: readonly string[]): number;
  /** A signed checkpoint of the log as it is. It is beside the log too. */
  checkpoint(): string;
  get latestCheckpoint(): string | null;
  /** Writes what is left, signs a checkpoint if there is a key for it, and ends. */
  close(): void;
}

/** How many entries a log had, and the root of its tree. */
export declare class Checkpoint {
  constructor(origin: string, size: number, root: Uint8Array | string);
  /** A checkpoint whose signatures nobody has checked. */
  static unverified(note: string): Checkpoint;
  get origin(): string;
  get size(): number;
  /** In hex. */
  get root(): string;
  /** The note, signed by an agent with the log's key. */
  sign(agent: Agent): string;
  toJSON(): { origin: string; size: number; root: string };
}

/** The key of a log or a witness. */
export declare class NoteKey {
  private constructor();
  static ofLog(origin: string, key: Agent | VerifyingKey): NoteKey;
  static ofWitness(name: string, key: Agent | VerifyingKey): NoteKey;
  static fromText(text: string): NoteKey;
  get name(): string;
  toString(): string;
  toJSON(): string;
}

/** Whose signatures make a checkpoint good: one of the keys of the log, and so many of the witnesses (all unless given). */
export declare class CheckpointPolicy {
  constructor(keys: readonly NoteKey[], options?: { witnesses?: readonly NoteKey[]; count?: number });
  verify(note: string, options?: { clock?: () => number }): Checkpoint;
}

/** Saw a log grow, and says so of no other history. Keep `seen` before the cosignature is given away. */
export declare class Witness {
  constructor(agent: Agent, policy: CheckpointPolicy, options?: { seen?: string; clock?: () => number });
  get seen(): string | null;
  /** The line that cosigns a checkpoint, to be put at the end of its note. */
  cosign(note: string, options?: { proof?: readonly (Uint8Array | string)[]; clock?: () => number }): string;
}

/** Checks a log that comes in pieces. */
export declare class LogCheck {
  constructor(checkpoints?: readonly Checkpoint[]);
  /** The records that the piece completes, as pairs of their sequence and canonical JSON. */
  push(piece: Uint8Array | string): [number, string][];
  finish(): LogReport;
}

/** What a whole log is like. */
export declare class LogReport {
  private constructor();
  readonly size: number;
  /** In hex. */
  readonly root: string;
  /** Up to which size it is what a checkpoint says; null without one: then it may have been cut, or written anew. */
  readonly anchored: number | null;
  /** How often the time of a record was before that of one before it, and where first. */
  readonly stepsBack: number;
  readonly firstStepBack: number | null;
}

/** A record of a log, of any kind. */
export interface LogRecord {
  readonly kind: string;
  readonly time: string;
  readonly version: number;
  readonly [member: string]: any;
}

/** Checks a whole log, with all of its files; `progress` is called with the bytes that are done and those in all. */
export declare function checkLog(path: string, checkpoints?: readonly Checkpoint[], options?: { progress?: (done: number, all: number) => unknown }): LogReport;
/** The records with their sequences, each checked against what is before it; the end by the checkpoints. */
export declare function readLog(path: string, checkpoints?: readonly Checkpoint[]): Generator<[number, LogRecord], void, undefined>;
/** The calls that were allowed and have no outcome: their tools may have run. */
export declare function openCalls(path: string): [number, LogRecord][];
/** The files of a log, in order. */
export declare function logFiles(path: string): string[];
/** That an entry is in the log, by a checkpoint of it. */
export declare function makeReceipt(path: string, sequence: number, note: string): string;
export declare function verifyReceipt(receipt: string, line: string, policy: CheckpointPolicy, options?: { clock?: () => number }): Checkpoint;
/** The hashes that show that the log at a checkpoint continues the log of an older size. */
export declare function proveConsistency(path: string, size: number, checkpoint: Checkpoint): Uint8Array[];
/** A record, which is JSON, as a sentence. */
export declare function recordSentence(record: string): string;
