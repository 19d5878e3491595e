export * from './constraints.cjs';
