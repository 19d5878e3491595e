// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './redis.cjs';

export const { RedisStore } = implementation;
