// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './langchain.cjs';

export const { guard, actingAs, onlyGuarded, answer, caller } = implementation;
