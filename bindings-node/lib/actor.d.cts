import type { Agent, Authorized, Chain, DelegateOptions, Presentation, Verifier, VerifyingKey } from './index.cjs';
import type { ApprovalRequest, Evidence } from './approval.cjs';
import type { Tools, Value } from './constraints.cjs';

/** Evidence for every call, or a function that gives that of each. */
export type Attached =
  | readonly Evidence[]
  | ((tool: string, args: { readonly [argument: string]: unknown }) => readonly Evidence[] | undefined | Promise<readonly Evidence[] | undefined>);

/** Whose run this is: the agent that signs its calls, and the chain that says for whom, in which session and what. */
export declare class Actor {
  /** The chain may be a function that gives one for each call, for chains that are renewed. */
  constructor(agent: Agent, chain: Chain | (() => Chain), options?: { evidence?: Attached });
  get agent(): Agent;
  /** The chain for a call that is made now. */
  get chain(): Chain;
  /** What travels with one attempt of a call. Each attempt, also a retry, needs a new one. */
  prove(tool: string, args: { readonly [argument: string]: Value }, audience: string, options?: { challenge?: Uint8Array }): Promise<Presentation>;
  /** The same with the chain of now, for a call that is signed again when it was approved. */
  pinned(): Actor;
  /** The same, with other evidence. */
  withEvidence(evidence: Attached): Actor;
  /** A chain for a sub-agent: what was declared for it, as far as this actor may give it. */
  delegate(subAgent: SubAgent, options?: { reason?: string }): Chain;
  /** The sub-agent as an actor, where its key is in this process: for `acting`. */
  handOver(subAgent: SubAgent, options?: { reason?: string }): Actor;
}

/** What a sub-agent may do, declared once. */
export declare class SubAgent {
  constructor(
    holder: Agent | VerifyingKey,
    tools: Tools,
    options?: Pick<DelegateOptions, 'ttl' | 'audience' | 'maxDepth' | 'context' | 'holderName' | 'approvals' | 'budgets'> & { evidence?: Attached },
  );
  readonly holder: Agent | VerifyingKey;
  readonly tools: Tools;
}

/** Runs something as an actor: every guarded call within is of this one. With `null` nobody acts, and every guarded tool refuses. */
export declare function acting<T>(actor: Actor | null, run: () => T): T;

/** Whose run this is; throws `proof-missing` outside of `acting`. */
export declare function currentActor(): Actor;

/** What a guard is asked beside the call itself. */
export interface Asked {
  challenge?: Uint8Array;
  context?: string;
  hint?: 'destructive' | 'additive' | 'read_only';
}

/** A verifier before tools, wherever they are served. */
export declare class Guard {
  /** `tools` says what tools are called in tokens, where that differs from their name. */
  constructor(verifier: Verifier, options?: { tools?: { readonly [name: string]: string }; acceptArgument?: boolean });
  /** The arguments to decide about, and the presentation from the first place that has one: metadata, header, and if it accepts those, argument. */
  received(args: unknown, metadata?: unknown, header?: string): { args: unknown; presentation: unknown };
  /** Decides about a call with what it was presented with. */
  admit(tool: string, args: unknown, presentation: unknown, asked?: Asked): Promise<Authorized>;
  /** Decides about a call of the actor in this process, which signs it now. If nobody acts, it is denied. */
  admitHere(tool: string, args: unknown, asked?: Omit<Asked, 'challenge'>, approvals?: readonly Evidence[]): Promise<Authorized>;
  /** What approvers of such a call see and sign. */
  requestHere(tool: string, args: { readonly [argument: string]: Value }, asked?: { context?: string }): ApprovalRequest;
  /** The same for a call with a chain that came with it. */
  request(chain: Chain, tool: string, args: { readonly [argument: string]: Value }, asked?: { context?: string }): ApprovalRequest;
  /** Runs a tool, within which `caller()` is this decision, and records the outcome. `errorOf` says what went wrong where nothing is thrown. */
  run<T>(authorized: Authorized, tool: () => T | Promise<T>, errorOf?: (result: T) => string | null | undefined): Promise<T>;
}

/** Who calls the tool that is running, and for whom; throws outside of a guarded call. */
export declare function caller(): Authorized;
