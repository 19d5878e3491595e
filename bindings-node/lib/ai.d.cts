import type { Verifier } from './index.cjs';
import type { LocalGuardOptions } from './local.cjs';

export { caller } from './index.cjs';
export type { LocalGuardOptions, ToolRefused } from './local.cjs';

/** Lets tools run only for calls that the verifier allows, signed for whoever acts. */
export declare function guard<T extends { readonly [name: string]: { execute?: ((...given: any[]) => any) | undefined } }>(tools: T, verifier: Verifier, options?: LocalGuardOptions): T;
