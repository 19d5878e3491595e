export * from './otel.cjs';
