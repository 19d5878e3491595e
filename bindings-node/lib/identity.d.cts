import type { Entry } from './constraints.cjs';
import type { Agent, AsyncStore, MemoryStore, Store, VerifyingKey } from './index.cjs';

export type IdentityKind = 'human' | 'agent' | 'service' | 'tool';
export type IdentityState = 'pending' | 'active';
export interface Attributes {
  readonly [name: string]: string | boolean | number | bigint;
}

/** What an authority adds to what an attestor says. */
export interface AdmittedOptions {
  kind?: IdentityKind;
  state?: IdentityState;
  environment?: string;
  attributes?: Attributes;
  /** At most a day; an hour unless given. */
  ttl?: number | string;
}

export interface IdentityOptions extends AdmittedOptions {
  attestor?: string;
  /** 32 bytes. */
  evidence?: Uint8Array;
}

export interface IdentityClaims {
  readonly authority: string;
  readonly name: string;
  readonly key: VerifyingKey;
  readonly kind: IdentityKind;
  readonly state: IdentityState;
  readonly environment?: string;
  readonly attributes: { readonly [name: string]: string | boolean | number | bigint };
  readonly attestor?: string;
  readonly id: string;
  readonly issued: number;
  readonly expires: number;
}

export interface VerifiedIdentity extends IdentityClaims {
  /** The digest of the evidence. */
  readonly evidence?: string;
}

/** An authority's word on who holds a key. Nobody has checked its signature: an IdentityPolicy does. */
export declare class Identity {
  private constructor();
  static decode(bytes: Uint8Array): Identity;
  static fromText(text: string): Identity;
  get bytes(): Uint8Array;
  get text(): string;
  unverifiedClaims(): IdentityClaims;
  toString(): string;
  toJSON(): string;
}

/** A name and a key that configuration trusts. */
export type NamedKey = Agent | readonly [name: string, key: Agent | VerifyingKey];

/** These holders have an identity, and it meets every condition. */
export declare class IdentityRule {
  constructor(on: 'all' | 'leaf' | 'root', options?: { kind?: IdentityKind; environment?: string; attributes?: Attributes; attestors?: readonly string[] });
}

/** The authorities whose documents count, and the rules that the holders of a chain have to meet. */
export declare class IdentityPolicy {
  constructor(authorities: NamedKey | readonly NamedKey[], rules?: readonly IdentityRule[]);
  /** What a document says, if one of the authorities signed it and it is valid now. */
  verify(identity: Identity | Uint8Array, options?: { clock?: () => number }): VerifiedIdentity;
}

/** Takes a launcher's word for an agent's name, which is below the launcher's: `runner` may start `runner/coder`. */
export declare class ParentAttestor {
  constructor(name: string, launchers: NamedKey | readonly NamedKey[]);
  get name(): string;
  /** Tells it apart from other attestors by type. */
  private readonly parent: true;
}

/** Takes a launcher's word for what code an agent was started from: measurements, in hex, and the agents' names. */
export declare class CodeAttestor {
  constructor(name: string, launchers: NamedKey | readonly NamedKey[], measurements: { readonly [measurement: string]: string });
  get name(): string;
  private readonly code: true;
}

/** The name of a claim, or the names on the way to it. */
export type ClaimPath = string | readonly string[];

export interface JwtOptions {
  /** The name that tokens are made for, followed by `#` and the thumbprint of the agent's key. */
  audience: string;
  /** The platform's keys: a JWKS as bytes, text or an object. */
  jwks: Uint8Array | string | { readonly [member: string]: unknown };
  /** Claims that have to be there, each with what it has to be. */
  require?: readonly (readonly [ClaimPath, Entry])[];
  /** Attributes of the identity, each with the claim that it is. */
  attributes?: { readonly [attribute: string]: ClaimPath };
}

/** Takes a JWT of a platform, bound to the agent's key, for who an agent is. */
export declare class JwtAttestor {
  constructor(name: string, options: JwtOptions & { issuer: string; subjects: Entry });
  static githubActions(name: string, options: JwtOptions & { repository: string }): JwtAttestor;
  static kubernetes(name: string, options: JwtOptions & { issuer: string; namespace: string; account: string }): JwtAttestor;
  static spiffe(name: string, options: JwtOptions & { trustDomain: string }): JwtAttestor;
  get name(): string;
  private readonly jwt: true;
}

/** An agent whose evidence was accepted. */
export declare class Admitted {
  private constructor();
  private readonly admitted: true;
}

/** Lets agents enrol with one authority. */
export declare class Registrar {
  constructor(agent: Agent, attestors: readonly (ParentAttestor | CodeAttestor | JwtAttestor)[]);
  /** A challenge that one request can answer within `ttl`, at most ten minutes; one minute unless given. */
  challenge(options?: { ttl?: number | string }): Uint8Array;
  /** Judges a request, and claims its challenge in the store. */
  admit(request: Uint8Array, store: MemoryStore | Store): Admitted;
  admitAsync(request: Uint8Array, store: MemoryStore | Store | AsyncStore): Promise<Admitted>;
  /** The identity of an agent that was admitted, with what the authority says of it. */
  issue(admitted: Admitted, options?: AdmittedOptions): Identity;
  /** Admits an agent and issues its identity. */
  enrol(request: Uint8Array, store: MemoryStore | Store, options?: AdmittedOptions): Identity;
  enrolAsync(request: Uint8Array, store: MemoryStore | Store | AsyncStore, options?: AdmittedOptions): Promise<Identity>;
}

/** The digest of the files at these paths below a root: what a CodeAttestor has on its list. */
export declare function measure(root: string, paths: readonly string[]): Uint8Array;
