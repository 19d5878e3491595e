import type { Verifier } from './index.cjs';
import type { RouteOptions } from './http-guard.cjs';

export { caller } from './index.cjs';
export { HEADER } from './http.cjs';

/**
 * Comes before the routes of an application of Fastify 5, and returns it. Each route has in its `config` either `tool`, as tokens name it, or
 * `unguarded: true`; one that has neither is an error when it is made.
 */
export declare function guardRoutes<A extends { addHook: Function; version: string }>(app: A, verifier: Verifier, options?: RouteOptions<any>): A;
