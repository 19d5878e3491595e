import type { AsyncStore, StoreAnswer, StoreOperation } from './index.cjs';

/** What is used of a client of the package `redis`: `createClient`, `createCluster` and `createSentinel` make one. */
export interface RedisClient {
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export interface RedisStoreOptions {
  /** What its keys begin with, for stores that share a server and nothing else: 1 to 64 letters, digits and `.:_-`. `deputize` unless given. */
  prefix?: string;
  /** How many seconds a commit may take, with connecting: 2 unless given, at most 60. Then it throws, which denies. */
  timeout?: number;
  /**
   * Says that the server loses nothing when it starts again: `appendonly yes` with `appendfsync always`, and no failover to a replica that may
   * lag. Without it, what is older than the server's run counts as older than the store.
   */
  durable?: boolean;
}

/** What verifiers in several processes and machines share on a server of Redis; for `authorizeAsync`. */
export declare class RedisStore implements AsyncStore {
  /** A client that the program has connected and closes itself, or the address of a server, which is connected to when it is first asked. */
  constructor(server: RedisClient | { url: string }, options?: RedisStoreOptions);
  /** What a verifier calls that takes the store: where the server remembers nothing yet, its memory begins then and not with the first call. */
  begin(nowMs: number): Promise<void>;
  /** Throws what the client throws, and `DeputizeError` (`store-unavailable`) for no answer in time. */
  commit(operations: readonly StoreOperation[], nowMs: number): Promise<StoreAnswer>;
  /** Closes the connection that it opened. The next commit opens another. */
  close(): void;
}
