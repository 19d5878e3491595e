import type { Constraint, FrozenValue, Optional, Tools, Value } from './constraints.cjs';
import type { Approval, ApprovalPolicy, ApprovalRequest, ApproveOptions, Consent, ConsentOptions, Evidence } from './approval.cjs';
import type { Budget, BudgetClaim, Session } from './budget.cjs';
import type { Identity, IdentityOptions, IdentityPolicy } from './identity.cjs';
import type { AuditSink } from './log.cjs';
import type { TrustState } from './revocation.cjs';

export * from './constraints.cjs';
export * from './budget.cjs';
export * from './approval.cjs';
export * from './identity.cjs';
export * from './actor.cjs';
export * from './message.cjs';
export * from './log.cjs';
export * from './revocation.cjs';

/** A JSON Web Key, as an object or as its text. */
export type Jwk = string | { readonly [member: string]: unknown };

export declare class VerifyingKey {
  private constructor();
  static fromBytes(bytes: Uint8Array): VerifyingKey;
  static fromDidKey(did: string): VerifyingKey;
  static fromPem(pem: string): VerifyingKey;
  static fromJwk(jwk: Jwk): VerifyingKey;
  get bytes(): Uint8Array;
  get didKey(): string;
  /** RFC 7638, base64url. */
  get thumbprint(): string;
  toPem(): string;
  /** The canonical text of the JWK. */
  toJwk(): string;
  /** Whether the signature is this key's over the message. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
  toString(): string;
  toJSON(): string;
}

/** A private key. It is native: it cannot be shown, copied, cloned or sent to a worker; `toSeed`, `toPem` and `toJwk` are the only ways out. */
export declare class SigningKey {
  private constructor();
  static generate(): SigningKey;
  static fromSeed(seed: Uint8Array): SigningKey;
  static fromPem(pem: string): SigningKey;
  static fromJwk(jwk: Jwk): SigningKey;
  /** From a file that only its owner can read. */
  static load(path: string): SigningKey;
  static loadOrCreate(path: string): SigningKey;
  /** To a new file with mode 0600; never in place of another. */
  save(path: string): void;
  get verifyingKey(): VerifyingKey;
  toSeed(): Uint8Array;
  toPem(): string;
  toJwk(): string;
  toString(): string;
  readonly toJSON: () => string;
}

export type Mode = 'own_behalf' | 'on_behalf_of' | 'impersonation';

export interface ApprovalRule {
  readonly count: number;
  readonly approvers: readonly (VerifyingKey | Agent)[];
}

export interface DelegateOptions {
  /** Whom to give it to: an agent, by its name and key, or a key. */
  to: Agent | VerifyingKey;
  /** What it allows. A root without tools allows nothing; a delegated token without tools, what its parent does. */
  tools?: Tools;
  /** Seconds, or a text such as `"90s"`, `"10m"`, `"1h"`, `"7d"`. */
  ttl?: number | string;
  audience?: string | readonly string[];
  /** The deepest position that a token below may have: 0 cannot be delegated. */
  maxDepth?: number;
  /** Why; no authority. */
  reason?: string;
  context?: string;
  holderName?: string;
  /** Seconds since 1970. */
  notBefore?: number;
  approvals?: ApprovalRules;
  /** What is counted, in addition to what the parents count. The chain then names one audience: the one that counts. */
  budgets?: readonly Budget[];
  /** 32 bytes. */
  evidence?: Uint8Array;
}

export interface ApprovalRules {
  readonly [tool: string]: ApprovalRule | readonly ApprovalRule[];
}

/** What is decided in the root and stays the same below it. */
export interface RootOptions extends DelegateOptions {
  /** A Session, whose task the tokens then carry; 16 bytes; or 32 lower-case hex digits. */
  session?: Session | Uint8Array | string;
  /** 32 bytes. */
  task?: Uint8Array;
}

export interface IssueOptions extends RootOptions {
  /** The accountable principal, unless it is the issuer. */
  subject?: string;
  mode?: Mode;
}

/** A name and a key. */
export interface AgentOptions {
  /** Where everything that the agent signs is recorded before anybody gets it. */
  audit?: AuditSink;
}

export declare class Agent {
  constructor(name: string, signingKey: SigningKey, options?: AgentOptions);
  static generate(name: string, options?: AgentOptions): Agent;
  static fromSeed(name: string, seed: Uint8Array, options?: AgentOptions): Agent;
  /** From a key file; the name is the file's stem unless given. */
  static load(path: string, name?: string, options?: AgentOptions): Agent;
  /** `<directory>/<name>.pem`; the directory is `.deputize/keys` unless given. */
  static loadOrCreate(name: string, directory?: string, options?: AgentOptions): Agent;
  get name(): string;
  get key(): VerifyingKey;
  get did(): string;
  /** Opens a session for a task, in this agent's name. */
  openSession(options?: { task?: string | Uint8Array }): Session;
  issue(options: IssueOptions): Chain;
  /** On behalf of a principal, who stays accountable. Without one it throws `name-invalid`. */
  issueOnBehalfOf(subject: string, options: RootOptions): Chain;
  /** The holder is its own principal, under its name. */
  issueOwnBehalf(options: RootOptions & { name?: string }): Chain;
  /** As a principal, by this holder and nobody below it. Verifiers ask for the principal's consent. */
  issueImpersonation(subject: string, options: RootOptions & { audience: string | readonly string[] }): Chain;
  delegate(chain: Chain, options: DelegateOptions): Chain;
  prove(chain: Chain, tool: string, args: { readonly [argument: string]: Value }, audience: string, options?: ProveOptions): Presentation;
  /** Approves one call, whose `text` this agent's person has read. */
  approve(request: ApprovalRequest, options?: ApproveOptions): Approval;
  /** Says no to one call. */
  deny(request: ApprovalRequest, options?: ApproveOptions): Approval;
  /** Consents to be impersonated. */
  consent(options: ConsentOptions): Consent;
  /** Says as an authority who holds a key. */
  issueIdentity(name: string, key: Agent | VerifyingKey, options?: IdentityOptions): Identity;
  /** Asks an authority for an identity of this agent's key; the bytes of the request. Evidence that is text is a JWT. */
  enrol(challenge: Uint8Array, authority: string, attestor: string, evidence: Uint8Array | string): Uint8Array;
  /** Says as a launcher what agent it started, for one challenge: evidence for a ParentAttestor or CodeAttestor. */
  vouch(childName: string, childKey: Agent | VerifyingKey, challenge: Uint8Array, options?: { measurement?: Uint8Array | string }): Uint8Array;
  toJSON(): { name: string; did: string };
}

export interface ProveOptions {
  challenge?: Uint8Array;
  evidence?: readonly Evidence[];
}

/** Tools as they are read: every entry a constraint. They can be given as tools again. */
export type GrantedTools = { readonly [tool: string]: { readonly [argument: string]: Constraint | Optional } };

/** Claims of one token. Ids and digests are lower-case hex, times are seconds since 1970. */
export interface Claims {
  readonly issuer?: string;
  readonly subject: string;
  readonly audience?: readonly string[];
  readonly expires: number;
  readonly notBefore?: number;
  readonly issued: number;
  readonly id: string;
  readonly holder: VerifyingKey;
  readonly mode: Mode;
  readonly depth: number;
  readonly maxDepth: number;
  readonly parent?: string;
  readonly tools: GrantedTools;
  readonly session: string;
  readonly task?: string;
  readonly holderName?: string;
  readonly approvals?: { readonly [tool: string]: readonly { readonly count: number; readonly approvers: readonly VerifyingKey[] }[] };
  readonly budgets?: readonly BudgetClaim[];
  readonly evidence?: string;
  readonly reason?: string;
  readonly context?: string;
  readonly ignored: readonly (number | bigint)[];
}

/** A chain of tokens, root first: its shape is right, and nobody has checked its signatures. */
export declare class Chain {
  private constructor();
  static decode(bytes: Uint8Array): Chain;
  static fromText(text: string): Chain;
  get bytes(): Uint8Array;
  get text(): string;
  /** One COSE_Sign1 each. */
  get tokens(): Uint8Array[];
  /** For display. */
  unverifiedClaims(): Claims[];
  /** Of the tools that are asked for, what the leaf may give: for `delegate`. The leaf is read and not verified. */
  narrow(tools: Tools): GrantedTools;
  toString(): string;
  toJSON(): string;
}

/** A chain and the proof of one call, with evidence if any is attached. */
export declare class Presentation {
  private constructor();
  /** Reads size and shape. A verifier takes the bytes or the text, and needs none of this. */
  static decode(bytes: Uint8Array): Presentation;
  static fromText(text: string): Presentation;
  get bytes(): Uint8Array;
  get text(): string;
  /** The chain, which nobody has checked. */
  unverifiedChain(): Chain;
  /** The same presentation with more evidence. */
  attach(...evidence: Evidence[]): Presentation;
  toString(): string;
  toJSON(): string;
}

export interface TrustAnchorOptions {
  mayImpersonate?: boolean;
  /** The most that its roots may allow. */
  tools?: Tools;
  /** The longest that they may live, as `ttl`. */
  maxLifetime?: number | string;
  /** How often they may be delegated on. */
  maxDepth?: number;
}

export declare class TrustAnchor {
  constructor(name: string, key: Agent | VerifyingKey, options?: TrustAnchorOptions);
  get name(): string;
  get key(): VerifyingKey;
  get mayImpersonate(): boolean;
}

/** The store of one process: what was claimed, marked and spent. */
export declare class MemoryStore {
  constructor(capacity?: number);
  /** Tells it apart from other stores by type. */
  private readonly memory: true;
}

/** One step of a transaction: `expires` is in seconds, `since` in milliseconds since 1970. What each one means is in docs/spec/store.md. */
export type StoreOperation =
  | readonly ['claim', key: Uint8Array, expires: number, since: number]
  | readonly ['absent', key: Uint8Array, since: number]
  | readonly ['mark', key: Uint8Array, expires: number]
  | readonly ['spend', key: Uint8Array, amount: number, limit: number, expires: number, since: number]
  | readonly ['refund', key: Uint8Array, amount: number];

/** `true` if all of it happened; else nothing did: the operation at an index refuses, or what it is about is older than the store, or there is no room. */
export type StoreAnswer = true | readonly ['refused' | 'predates', number] | 'full';

/** A store elsewhere. `commit` is one atomic step: all of the operations or none, judged in their order. If it throws, nothing is allowed. */
export interface Store {
  commit(operations: readonly StoreOperation[], nowMs: number): StoreAnswer;
  /** If it is there: called by each verifier that takes the store. */
  begin?(nowMs: number): unknown;
}
export interface AsyncStore {
  commit(operations: readonly StoreOperation[], nowMs: number): StoreAnswer | Promise<StoreAnswer>;
  begin?(nowMs: number): unknown;
}

export interface VerifierOptions {
  trust: Agent | TrustAnchor | readonly (Agent | TrustAnchor)[];
  audience: string;
  /** Gets every record. If it throws, an allowed call is denied: no record, no action. A promise is waited for by `authorizeAsync` only. */
  audit?: AuditSink;
  /** Allows calls whose record the sink does not take. Nobody will know of them. */
  dangerAllowUnrecorded?: boolean;
  /** A store that answers with a promise works with `authorizeAsync` only. */
  store?: MemoryStore | Store | AsyncStore;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** What holders have to be. Records then name them by their verified identities. */
  identities?: IdentityPolicy;
  /** What has to be approved, whatever tokens say. */
  approvals?: ApprovalPolicy;
  /** Keys of principals, by their names, for their consents. Trust anchors are known already. */
  principals?: { readonly [name: string]: Agent | VerifyingKey };
  state?: TrustState;
}

export interface AuthorizeOptions {
  challenge?: Uint8Array;
  context?: string;
  /** What the tool does, as its own server says: never what a caller says. */
  hint?: 'destructive' | 'additive' | 'read_only';
}

/** Decides about calls. */
export declare class Verifier {
  constructor(options: VerifierOptions);
  /** Throws `Denied`. */
  authorize(presentation: unknown, tool: string, args: unknown, options?: AuthorizeOptions): Authorized;
  authorizeAsync(presentation: unknown, tool: string, args: unknown, options?: AuthorizeOptions): Promise<Authorized>;
  verifyChain(chain: Chain): VerifiedChain;
  /** Gives back what a call took from budgets, for a tool that failed. A second time gives nothing. */
  refund(authorized: Authorized): void;
  /** Records what became of a call that was allowed: without an error, a word or two, it succeeded. */
  outcome(authorized: Authorized, options?: { error?: string }): void;
  outcomeAsync(authorized: Authorized, options?: { error?: string }): Promise<void>;
  refundAsync(authorized: Authorized): Promise<void>;
  /** Revokes a token and everything below it, at once, for every verifier that shares the store. Ids are bytes, or lower-case hex. */
  revokeToken(id: Uint8Array | string): void;
  revokeTokenAsync(id: Uint8Array | string): Promise<void>;
  /** Revokes a key: what it issued, holds and approved. */
  revokeKey(key: Agent | VerifyingKey): void;
  revokeKeyAsync(key: Agent | VerifyingKey): Promise<void>;
  /** Closes a session of an issuer: nothing in it is allowed any more. */
  closeSession(issuer: Agent | string, session: Session | Uint8Array | string): void;
  closeSessionAsync(issuer: Agent | string, session: Session | Uint8Array | string): Promise<void>;
  closeTask(issuer: Agent | string, task: Session | Uint8Array | string): void;
  closeTaskAsync(issuer: Agent | string, task: Session | Uint8Array | string): Promise<void>;
  /** Takes back one approval of an approver. */
  withdrawApproval(approver: Agent | VerifyingKey, id: Approval | Uint8Array | string): void;
  withdrawApprovalAsync(approver: Agent | VerifyingKey, id: Approval | Uint8Array | string): Promise<void>;
}

/** An allowed call. */
export declare class Authorized {
  private constructor();
  get caller(): string;
  get onBehalfOf(): string;
  get tool(): string;
  /** What was decided about. Use these, and not the ones received. */
  get arguments(): { readonly [argument: string]: FrozenValue };
  get chain(): VerifiedChain;
  get expires(): number;
  /** Labels in the chain that carry no authority. */
  get ignored(): readonly (number | bigint)[];
  get record(): AuditRecord;
  /** The decision in one sentence. */
  get audit(): string;
  /** Checks another value of an argument as that of the call was: where a redirect leads. Throws `argument-refused` or `argument-unexpected`. */
  checkValue(argument: string, value: Value): void;
  /** Checks the network address that the host of an argument resolved to, before the connection is opened. Throws as `checkValue`. */
  checkAddress(argument: string, address: string): void;
  /** Checks the partition of what a tool is about to read or write: the leaf's context, or one below it. Throws `context-mismatch`. */
  checkContext(context: string): void;
}

export declare class VerifiedChain {
  private constructor();
  get caller(): string;
  get principal(): string;
  get issuer(): string;
  get claims(): readonly Claims[];
  get expires(): number;
}

export declare class AuditRecord {
  private constructor();
  get kind(): 'decision';
  /** One line of canonical JSON. */
  json(options?: { arguments?: boolean }): string;
  get sentence(): string;
  get allowed(): boolean;
  /** `allowed`, or the code of the denial. */
  get code(): string;
  /** The id of the call's proof, in hex; null unless it was verified. */
  get proof(): string | null;
  get timeMs(): number;
  toString(): string;
  toJSON(): unknown;
}

export interface OpenBeneathOptions {
  /** For writing from the start of the file, which is made if it is not there. What it has stays, unless `truncate` is set. */
  write?: boolean;
  /** With `write`: empties the file, after it was examined. */
  truncate?: boolean;
  /** Refuses a file that has another name, which may be outside of the root. */
  refuseHardLinks?: boolean;
}

/**
 * Opens a regular file at or below `root`, an absolute path, so that no symbolic link leads out of it. `path` is the text of the argument as
 * it was decided about, or a relative path, which is read below the root. Gives a file descriptor for `node:fs`; whoever opens it closes it.
 * In a `Worker`, Node warns when it is closed, because Node did not open it, unless the worker was made with `trackUnmanagedFds: false`.
 *
 * On Linux relative links are followed as long as they stay below the root; elsewhere every link is refused, and on Windows every call.
 *
 * Throws a `DeputizeError`: `argument-refused` if the path or a link on it leads out, `file-unavailable` if there is no such regular file or
 * it cannot be opened, `config-invalid` for a root that is not absolute.
 */
export declare function openBeneath(root: string, path: string, options?: OpenBeneathOptions): number;

export declare class DeputizeError extends Error {
  protected constructor();
  /** Stable, in kebab case; `codes` has them all. */
  readonly code: string;
  /** The token at fault, the root being 0. */
  readonly link: number | null;
  /** The entry of an audit log at fault, by its sequence. */
  readonly entry: number | null;
  /** Which argument, claim or limit it is about. */
  readonly context: string | null;
  /** What to do about it; for a token that is wider than its parent after a value that shows it, where one was found. */
  readonly help: string;
}

export declare class Denied extends DeputizeError {
  private constructor();
  readonly record: AuditRecord;
  /** What the request for approval is called, if approvals are missing. */
  readonly requestId: string | null;
}

export interface CodeRow {
  readonly code: string;
  readonly family: string;
  readonly summary: string;
  readonly help: string;
}

/** The table of codes. */
export declare const codes: readonly CodeRow[];

export declare function encodeValue(value: Value): Uint8Array;
export declare function decodeValue(bytes: Uint8Array): FrozenValue;
/** SHA-256 of the encoding of the arguments. */
export declare function argumentsDigest(args: { readonly [argument: string]: Value }): Uint8Array;
export declare function valueFromJson(json: string): FrozenValue;
export declare function valueToJson(value: Value): string;
export declare function encodeTools(tools: Tools): Uint8Array;
export declare function decodeTools(bytes: Uint8Array): GrantedTools;
/** Whether the parent provably allows all that the child allows. */
export declare function toolsSubsume(parent: Tools, child: Tools): boolean;
