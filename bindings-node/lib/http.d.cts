import type { Actor } from './index.cjs';
import type { Value } from './constraints.cjs';

/** The header in which a presentation travels. */
export declare const HEADER: 'Deputize-Presentation';

/** The headers of one attempt of one call, for clients that send it themselves. */
export declare function headersFor(
  actor: Actor | (() => Actor),
  tool: string,
  args: { readonly [argument: string]: Value },
  audience: string,
  options?: { challenge?: Uint8Array },
): Promise<{ [header: string]: string }>;

/**
 * A `fetch` that signs each call: for an actor, or for whom a function says, as `currentActor`. `server` is the URL below which the routes are, and
 * `routes` are methods with paths, and what the tools are called in tokens: `{'POST /deploy/{env}': 'deploy'}`. A signed call follows no redirect.
 */
export declare function signCalls(
  fetch: (request: Request) => Promise<Response> | Response,
  actor: Actor | (() => Actor),
  audience: string,
  server: string,
  routes: { readonly [route: string]: string },
): (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
