// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './hono.cjs';

export const { guardRoutes, unguarded, caller, HEADER } = implementation;
