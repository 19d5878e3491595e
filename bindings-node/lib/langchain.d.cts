import type { Actor, SubAgent, Verifier } from './index.cjs';
import type { LocalGuardOptions } from './local.cjs';

export { caller } from './index.cjs';
export { answer } from './local.cjs';
export type { LocalGuardOptions, ToolRefused, Waiting } from './local.cjs';

/** The parts by which a tool of `@langchain/core` is known. */
export interface GuardableTool {
  name: string;
  invoke: (...given: any[]) => any;
  call: (...given: any[]) => any;
}

/** Lets tools run only for calls that the verifier allows, signed for whoever acts. With `interrupt` of LangGraph a call that needs approvals waits for them. */
export declare function guard<T extends GuardableTool | readonly GuardableTool[]>(
  tools: T,
  verifier: Verifier,
  options?: LocalGuardOptions & { interrupt?: (waiting: any) => unknown },
): T;

/** A node of a graph that runs another agent: as a sub-agent of whoever runs the graph, as an actor, or with `null` as nobody. */
export declare function actingAs<S, R>(
  runnable: { invoke(state: S, config?: any): R } | ((state: S, config?: any) => R),
  who: SubAgent | Actor | null,
): (state: S, config?: any) => R;

/** For `createMiddleware({ wrapToolCall })`, as the last one of an agent: a call of a tool that is not guarded ends the run. */
export declare function onlyGuarded(request: any, handler: (request: any) => any): any;
