// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './mastra.cjs';

export const { guard, guardServer, supervise, answer, caller } = implementation;
