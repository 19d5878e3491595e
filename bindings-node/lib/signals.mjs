// The same class as for CommonJS.
import implementation from './signals.cjs';

export const { Signals } = implementation;
