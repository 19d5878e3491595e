// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './http.cjs';

export const { HEADER, headersFor, signCalls } = implementation;
