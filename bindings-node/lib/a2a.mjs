// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './a2a.cjs';

export const { guard, caller, signCalls, EXTENSION, HEADER, META_KEY } = implementation;
