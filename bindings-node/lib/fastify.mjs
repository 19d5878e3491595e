// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './fastify.cjs';

export const { guardRoutes, caller, HEADER } = implementation;
