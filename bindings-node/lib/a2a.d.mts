export * from './a2a.cjs';
