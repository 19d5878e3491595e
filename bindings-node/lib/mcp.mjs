// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './mcp.cjs';

export const { guard, approvalForm, caller, signCalls, signingFetch, metaFor, META_KEY, DENIAL_KEY, HEADER } = implementation;
