export * from './langchain.cjs';
