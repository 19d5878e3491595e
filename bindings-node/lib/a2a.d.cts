import type { Actor, Verifier } from './index.cjs';

export { caller } from './index.cjs';
export { HEADER } from './http.cjs';
export { META_KEY } from './mcp.cjs';

/** The extension that a guarded agent's card requires. */
export declare const EXTENSION: string;

/** What methods of the protocol are called in tokens: `{SendMessage: 'translate'}`. */
export interface MethodNames {
  readonly [method: string]: string;
}

export interface GuardOptions {
  /** Methods that are served to everybody. */
  unguarded?: readonly string[];
  /** The challenge that this call has to answer, if there is one; of the parameters and the SDK's context. */
  challenge?: (params: any, context: any) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The partition that this call is about, if the server has partitions. */
  context?: (params: any, context: any) => string | undefined | Promise<string | undefined>;
}

/** A request handler that verifies each call before the handler sees it. A method that is in neither `tools` nor `unguarded` is not served. */
export declare function guard<H extends { sendMessage: Function; sendMessageStream: Function; getAgentCard: Function }>(
  handler: H,
  verifier: Verifier,
  card: { capabilities: object | undefined },
  tools: MethodNames,
  options?: GuardOptions,
): H;

/** An interceptor that signs each call of a client; the last of its `interceptors`. */
export declare function signCalls(
  actor: Actor | (() => Actor),
  audience: string,
  tools: MethodNames,
): { before(args: any): Promise<void>; after(args: any): Promise<void> };
