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
  /** A value that the child accepts and this one does not; `null` if it is narrower, and where none was found. */
  counterexample(child: Constraint): { value: FrozenValue } | null;
  /** The tightest constraint that accepts only what this one and the wanted one both accept: what may be given of what is asked for. */
  narrow(wanted: Constraint): Constraint;
  encode(): Uint8Array;
  /** What a value must be: ``a path at or below `/data` ``. */
  toString(): string;
}

/** An argument that may be left out. */
export declare class Optional {
  private constructor();
  get constraint(): Constraint;
}

/** A constraint, or a natural value that stands for one: one value for `exact`, an array or Set for `oneOf`, a plain object for `fields`. */
export type Entry =
  | Constraint
  | null | boolean | number | bigint | string | Uint8Array
  | readonly Value[]
  | Set<Value>
  | { readonly [field: string]: Entry | Optional };
/** `{argument: entry}`: `{}` for any arguments; `"*"` is every other argument. */
export type ArgumentRules = { readonly [argument: string]: Entry | Optional };
/** `{tool: {argument: entry}}`. */
export type Tools = { readonly [tool: string]: ArgumentRules };

/** Every value. */
export declare function anything(): Constraint;
/** This value, of this type. */
export declare function exact(value: Value): Constraint;
export declare function oneOf(...values: Value[]): Constraint;
export declare function notOneOf(...values: Value[]): Constraint;

export declare function atLeast(min: number | bigint): Constraint;
export declare function atMost(max: number | bigint): Constraint;
/** Both bounds included. */
export declare function between(min: number | bigint, max: number | bigint): Constraint;
export interface RangeBounds {
  /** `null`, or left out: no bound. */
  readonly min?: number | bigint | null;
  readonly max?: number | bigint | null;
  /** An open bound is excluded. */
  readonly minOpen?: boolean;
  readonly maxOpen?: boolean;
}
export declare function inRange(bounds: RangeBounds): Constraint;

/** Lists in which each of these occurs. */
export declare function contains(...values: Value[]): Constraint;
/** Lists whose elements are all among these. */
export declare function subset(...values: Value[]): Constraint;
/** Lists each of whose elements this accepts. */
export declare function each(entry: Entry): Constraint;
/** Texts of so many characters (code points), lists of so many elements. */
export declare function length(min: number | bigint, max?: number | bigint | null): Constraint;
/** Maps, by the rules for arguments: closed unless there is a `"*"`, and `{}` is every map. */
export declare function fields(mapping: ArgumentRules): Constraint;

/** Absolute paths equal to or below the root. */
export declare function path(root: string): Constraint;
/** Texts that match (paths, if the pattern begins with `/`): `*` within a segment, `**` across segments, `?` one character. */
export declare function glob(pattern: string): Constraint;
/** Texts that do not match (paths, if the pattern begins with `/`). */
export declare function notGlob(pattern: string): Constraint;
/** Texts that match an I-Regexp (RFC 9485) as a whole. */
export declare function regex(pattern: string): Constraint;
export interface UrlOptions {
  /** Of `http`, `https`, `ws`, `wss`, `ftp`; `https` alone, if left out. */
  readonly schemes?: readonly string[];
  /** The default ports of the schemes, if left out; `null` is any port. */
  readonly ports?: readonly number[] | null;
  /** A glob; `null`, or left out: any path. */
  readonly path?: string | null;
  /** Only names and addresses of the public internet. Check where a name leads with `checkAddress`. */
  readonly public?: boolean;
}
/** Canonical URLs at these hosts: a domain, `*.` and a domain, `*`, an address. */
export declare function url(hosts: string | readonly string[], options?: UrlOptions): Constraint;
/** Addresses in a network, such as `10.0.0.0/8`. */
export declare function cidr(network: string): Constraint;
/** E-mail addresses at these hosts: a domain, `*.` and a domain, or `*`. */
export declare function email(...hosts: string[]): Constraint;
/** Seconds since 1970, a timestamp of RFC 3339 or a `Date`, on a whole second; `null` is no bound. */
export type TimeBound = number | bigint | string | Date | null;
/** Timestamps between two instants, both included. */
export declare function timeWindow(from: TimeBound, until: TimeBound): Constraint;

export declare function allOf(...parts: Constraint[]): Constraint;
export declare function anyOf(...parts: Constraint[]): Constraint;
/** Marks an argument or field that may be left out. */
export declare function optional(entry: Entry): Optional;

/** Whether a text is an address of the public internet. */
export declare function isPublicAddress(text: string): boolean;
