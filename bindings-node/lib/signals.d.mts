export * from './signals.cjs';
