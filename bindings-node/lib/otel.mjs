// The same objects as for CommonJS.
import implementation from './otel.cjs';

export const { audit, trace } = implementation;
