import type { Actor, Approver, SubAgent } from './index.cjs';

/** Options of a guard before tools that run in the agent's own process. */
export interface LocalGuardOptions {
  /** What tools are called in tokens, where that differs from their name here. */
  tools?: { readonly [name: string]: string };
  /** The partition that a call is about; `about` is what the framework tells the tool of its call. */
  context?: (tool: string, args: { readonly [argument: string]: unknown }, about: unknown) => string | undefined | Promise<string | undefined>;
  /** Tools that run a sub-agent, with what it may do. What any other tool starts acts as nobody. */
  subAgents?: { readonly [tool: string]: SubAgent };
  /** Asked at once where a call needs approvals: one, or several whose answers go together. */
  approver?: Approver | readonly Approver[];
}

/** What a call that waits for approvals says of itself. */
export interface Waiting {
  readonly request_id: string;
  /** What a person has to see before signing. */
  readonly text: string;
  readonly tool: string;
  readonly arguments: { readonly [argument: string]: unknown };
  readonly audience: string;
  readonly context?: string;
}

/** What is thrown where a tool is refused: its message is for a model. */
export interface ToolRefused extends Error {
  readonly name: 'ToolRefused';
  readonly code: string;
  readonly denial: { readonly code: string; readonly help: string; readonly link?: number; readonly request_id?: string };
}

/** What approvers answer to what a call waits for, which resumes it. They see the request as it is signed. */
export declare function answer(waiting: Waiting, actor: Actor, approver: Approver | readonly Approver[]): Promise<{ approvals: string[] }>;
