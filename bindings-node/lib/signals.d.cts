import type { Recorded } from './export.cjs';

/** Something out of the ordinary, and the entry that it is about. */
export interface Signal {
  readonly kind: 'new-agent' | 'new-path' | 'new-tool' | 'denial-burst' | 'proof-replay' | 'use-after-revocation' | 'rapid-approvals';
  readonly entry: number;
  readonly text: string;
  /** The record of the kind `signal`, as JSON, for `AuditLog.appendJson`. */
  readonly record: string;
}

export interface Thresholds {
  /** So many calls teach without being told as new: 1,000 unless given. */
  learning?: number;
  /** So many names of each sort are remembered: 65,536 unless given. */
  capacity?: number;
  /** How many, within how many seconds: 20 within 60 unless given. */
  denials?: readonly [count: number, seconds: number];
  /** How many of one approver, within how many seconds: 3 within 10 unless given. */
  approvals?: readonly [count: number, seconds: number];
  /** How many signals of a kind: 60 unless given. */
  mostPerMinute?: number;
}

/** Watches a log, record by record. Its memory has fixed bounds. Given to an `AuditLog`, a copy of it is fed by the log. Otherwise feed it the log from its beginning: what it does not know is new to it. */
export declare class Signals {
  constructor(thresholds?: Thresholds);
  /** What is out of the ordinary about the next record, which is the entry of that sequence. */
  observe(record: Recorded, sequence: number): Signal[];
}
