import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Verifier } from './index.cjs';
import type { RouteOptions } from './http-guard.cjs';

export { caller } from './index.cjs';
export { HEADER } from './http.cjs';

/** A handler of Express. */
export type Handler = (request: any, response: any, next: (error?: any) => void) => void;

/**
 * Comes before the routes of an application or a router of Express 5. Gives a function that makes the first handler of a route: `guarded('deploy')`.
 * A route whose first handler is neither that nor `unguarded` is an error when it is made.
 */
export declare function guardRoutes(
  app: { use: Function; route: Function; get: Function },
  verifier: Verifier,
  options?: RouteOptions<IncomingMessage>,
): (tool: string) => Handler;

/** Says of a route, as its first handler, that nobody has to prove anything. */
export declare function unguarded(request: IncomingMessage, response: ServerResponse, next: (error?: any) => void): void;
