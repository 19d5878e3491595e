/** A value that can be signed: everything else is refused with `value-unsupported`. */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[] | { readonly [key: string]: Value };
/** What comes back: frozen, maps without a prototype. */
export type FrozenValue = null | boolean | number | bigint | string | Uint8Array | readonly FrozenValue[] | { readonly [key: string]: FrozenValue };

/** What values an argument may have. */
export declare class Constraint {
  private constructor();
  static decode(encoding: Uint8Array): Constraint;
  /** Whether the value is accepted; one that cannot be signed is not. */
  accepts(value: unknown): boolean;
  /** Whether every value that the child accepts is accepted by this one, provably. */
  subsumes(child: Constraint): boolean;
  encode(): Uint8Array;
}

/** An argument that may be left out. */
export declare class Optional {
  private constructor();
  get constraint(): Constraint;
}

/** A constraint; or one value, which is `exact`; or a list of values, which is `oneOf` its elements. */
export type Entry = Constraint | null | boolean | number | bigint | string | Uint8Array | readonly Value[];
/** `{argument: entry}`: `{}` for any arguments; `"*"` is every other argument. */
export type ArgumentRules = { readonly [argument: string]: Entry | Optional };
/** `{tool: {argument: entry}}`. */
export type Tools = { readonly [tool: string]: ArgumentRules };

/** Every value. */
export declare function anything(): Constraint;
/** This value, of this type. */
export declare function exact(value: Value): Constraint;
export declare function atLeast(min: number | bigint): Constraint;
export declare function atMost(max: number | bigint): Constraint;
/** Both bounds included. */
export declare function between(min: number | bigint, max: number | bigint): Constraint;
/** A bound that is `null` is not there; an open bound is excluded. */
export declare function inRange(min: number | bigint | null, max: number | bigint | null, minOpen?: boolean, maxOpen?: boolean): Constraint;
export declare function oneOf(...values: Value[]): Constraint;
export declare function notOneOf(...values: Value[]): Constraint;
/** Lists in which each of these occurs. */
export declare function contains(...values: Value[]): Constraint;
/** Lists whose elements are all among these. */
export declare function subset(...values: Value[]): Constraint;
export declare function allOf(...parts: Constraint[]): Constraint;
export declare function anyOf(...parts: Constraint[]): Constraint;
/** Absolute paths equal to or below the root. */
export declare function path(root: string): Constraint;
/** Marks an argument that may be left out. */
export declare function optional(entry: Entry): Optional;
