// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './constraints.cjs';

export const {
  Constraint, Optional, anything, exact, atLeast, atMost, between, inRange, oneOf, notOneOf, contains,
  subset, allOf, anyOf, path, optional,
} = implementation;
