import type { Verifier } from './index.cjs';
import type { RouteOptions } from './http-guard.cjs';

export { caller } from './index.cjs';
export { HEADER } from './http.cjs';

/** A handler of Hono. */
export type Handler = (context: any, next: () => Promise<void>) => Promise<any>;

/**
 * Comes before the routes of an application of Hono 4. Gives a function that makes the first handler of a route: `guarded('deploy')`. A route whose
 * first handler is neither that nor `unguarded` is an error when it is made.
 */
export declare function guardRoutes(
  app: { router: object; routes: object[]; basePath: Function },
  verifier: Verifier,
  options?: RouteOptions<any>,
): (tool: string) => Handler;

/** Says of a route, as its first handler, that nobody has to prove anything. */
export declare function unguarded(context: any, next: () => Promise<void>): Promise<any>;
