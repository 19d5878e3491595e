import type { SubAgent, Verifier } from './index.cjs';
import type { LocalGuardOptions } from './local.cjs';
import type { GuardOptions } from './mcp.cjs';

export { caller } from './index.cjs';
export { answer } from './local.cjs';
export type { LocalGuardOptions, ToolRefused, Waiting } from './local.cjs';

/** The parts by which a tool of `createTool` is known. */
export interface GuardableTool {
  id: string;
  execute?: ((...given: any[]) => any) | undefined;
}

/** Lets tools run only for calls that the verifier allows, signed for whoever acts: wherever they are used. */
export declare function guard<T extends GuardableTool | { readonly [name: string]: GuardableTool }>(tools: T, verifier: Verifier, options?: LocalGuardOptions): T;

/** Says what the sub-agents of an agent may do. One that nothing is declared for acts as nobody. */
export declare function supervise<A extends { listAgents: Function; stream: Function }>(agent: A, subAgents: { readonly [name: string]: SubAgent }): A;

/** Lets an `MCPServer` of @mastra/mcp run a tool only for calls that the verifier allows. */
export declare function guardServer<S extends { executeTool: Function }>(server: S, verifier: Verifier, options?: GuardOptions): S;
