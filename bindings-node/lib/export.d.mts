export * from './export.cjs';
