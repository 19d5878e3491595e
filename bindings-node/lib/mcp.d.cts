import type { Actor, Approver, Verifier } from './index.cjs';
import type { Value } from './constraints.cjs';

export { caller } from './index.cjs';

/** What a guarded server hands on about one request, as the MCP SDK has it. */
export interface CallRequest {
  method: string;
  params?: { [member: string]: unknown };
}

/** What tools are called in tokens, where that differs from their name here. */
export interface ToolNames {
  readonly [name: string]: string;
}

/** What carries trace context in `_meta`. */
export interface Trace {
  inject(): { [key: string]: string };
  within<T>(meta: unknown, run: () => T): T;
}

export interface GuardOptions {
  tools?: ToolNames;
  /** Takes a presentation from the arguments too, for clients whose transport keeps nothing else. */
  acceptArgument?: boolean;
  /** The challenge that this call has to answer, if there is one. */
  challenge?: (request: CallRequest, extra: unknown) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The partition that this call is about, if the server has partitions. */
  context?: (request: CallRequest, extra: unknown) => string | undefined | Promise<string | undefined>;
  /** Asks for a missing approval by a form, where the client has forms. */
  elicit?: boolean;
  /** `trace` of `deputize/otel`: a call is decided and run within the trace that its caller says it is of. */
  trace?: Trace;
}

/** The parts by which an `McpServer` or `Server` of `@modelcontextprotocol/sdk` or `@modelcontextprotocol/server` is known. */
export type GuardableServer = { connect(transport: never): Promise<void> } & ({ server: object } | { setRequestHandler: Function });

/** Lets a server run a tool only for calls that the verifier allows; throws for anything that is not a server it can guard. */
export declare function guard<S extends GuardableServer>(server: S, verifier: Verifier, options?: GuardOptions): S;

/** Signs every `tools/call` that a client sends: for an actor, or for whom a function says, as `currentActor`. */
export declare function signCalls<C extends { connect: Function; callTool: Function }>(
  client: C,
  actor: Actor | (() => Actor),
  audience: string,
  options?: {
    tools?: ToolNames;
    /** Where a presentation travels. The others than the metadata are for what drops that on the way. */
    carry?: 'metadata' | 'header' | 'argument';
    /** Asked where a call needs approvals: one, or several whose answers go together. */
    approver?: Approver | readonly Approver[];
    /** The partition that the server's calls are about, which an approval names. */
    context?: string;
    /** `trace` of `deputize/otel`: the trace context goes with each call. */
    trace?: Trace;
  },
): C;

/** An answer to a form, as both lines of the SDK take it. */
export type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: { [field: string]: string | number | boolean | string[] } };

/**
 * A handler of `elicitation/create` for a client: forms that ask for approvals of calls to `audience` are shown to an approver, and answered
 * with what it signs. Other forms are for `otherwise`, and declined without.
 */
export declare function approvalForm(
  approver: Approver | readonly Approver[],
  audience: string,
  options?: { otherwise?: (request: any, extra: any) => FormAnswer | Promise<FormAnswer> },
): (request: { params?: unknown }, extra?: unknown) => Promise<FormAnswer>;

/** A `fetch` that signs every `tools/call` in what it posts: for clients of MCP over HTTP that take one, such as Mastra's. */
export declare function signingFetch(
  actor: Actor | (() => Actor),
  audience: string,
  options?: { tools?: ToolNames; carry?: 'metadata' | 'header' | 'argument'; trace?: Trace; fetch?: (url: any, init?: any, ...more: any[]) => Promise<Response> },
): (url: string | URL, init?: RequestInit, ...more: any[]) => Promise<Response>;

/** The `_meta` of one call. */
export declare function metaFor(
  actor: Actor,
  tool: string,
  args: { readonly [argument: string]: Value },
  audience: string,
  options?: { challenge?: Uint8Array },
): Promise<{ [key: string]: string }>;

/** Where a presentation travels in `_meta`. */
export declare const META_KEY: 'dev.deputize/presentation';
/** Where a refused result carries its code and link, in `_meta`. */
export declare const DENIAL_KEY: 'dev.deputize/denial';
/** The header of plain HTTP. */
export declare const HEADER: 'Deputize-Presentation';
