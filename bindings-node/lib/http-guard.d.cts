/** What a guard of routes finds out about a request, of what the framework calls one. */
export interface RouteOptions<R> {
  /** The challenge that this call has to answer, if there is one. */
  challenge?: (request: R) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The partition that this call is about, if the server has partitions. */
  context?: (request: R) => string | undefined | Promise<string | undefined>;
  /** Bytes that a body may have; at most and by default 1 MiB. */
  maxBody?: number;
}
