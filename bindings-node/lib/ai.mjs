// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './ai.cjs';

export const { guard, caller } = implementation;
