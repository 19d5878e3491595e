// The same objects as for CommonJS: one implementation, so that `instanceof` holds across both.
import implementation from './constraints.cjs';

export const {
  Constraint, Optional, anything, exact, oneOf, notOneOf, atLeast, atMost, between, inRange, contains, subset,
  each, length, fields, path, glob, notGlob, regex, url, cidr, email, timeWindow, allOf, anyOf, optional, isPublicAddress,
} = implementation;
