/** How many calls, or how much of an argument: all together, or in each window of time. */
export declare class Budget {
  private constructor();
  /** So many calls, of a tool if one is given. */
  static calls(limit: number, options?: { tool?: string; per?: number | string; over?: 'family' | 'session' }): Budget;
  /** So much of an argument of a tool, which then has to be an integer of 0 or more. */
  static total(limit: number, options: { tool: string; argument: string; per?: number | string; over?: 'family' | 'session' }): Budget;
  get limit(): number;
  get scope(): 'family' | 'session';
  get tool(): string | null;
  get argument(): string | null;
  /** Seconds of a window. */
  get window(): number | null;
}

/** What belongs together because it serves one task. */
export declare class Session {
  private constructor();
  static open(options?: { task?: string | Uint8Array }): Session;
  /** 16 random bytes. */
  get id(): Uint8Array;
  /** The digest of the task. */
  get task(): Uint8Array | null;
  /** The id as claims and records show it. */
  toString(): string;
  toJSON(): string;
}

/** The context of what is made of data of these: the nearest that all are equal to or below. `null` is data of no context. */
export declare function joinContexts(...contexts: (string | null)[]): string | null;

export interface BudgetClaim {
  readonly limit: number;
  readonly scope: 'family' | 'session';
  readonly tool?: string;
  readonly argument?: string;
  /** Seconds. */
  readonly window?: number;
}
