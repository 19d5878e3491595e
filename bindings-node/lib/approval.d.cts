import type { FrozenValue, Value } from './constraints.cjs';
import type { Identity } from './identity.cjs';
import type { Agent, ApprovalRules, Chain, Mode, VerifyingKey } from './index.cjs';

export interface ApproveOptions {
  /** At most an hour; five minutes unless given. */
  ttl?: number | string;
  /** Why, for the record. */
  reason?: string;
}

export interface ConsentOptions {
  holder: Agent | VerifyingKey;
  /** The name of the trust anchor whose token it is about. */
  issuer: string;
  /** The verifier. */
  audience: string;
  tools?: readonly string[];
  /** At most a day; an hour unless given. */
  ttl?: number | string;
}

/** What travels beside a proof: an object, or its bytes. */
export type Evidence = Approval | Consent | Identity | Uint8Array;

/** An approver's word on one request. Nobody has checked its signature. */
export declare class Approval {
  private constructor();
  static decode(bytes: Uint8Array): Approval;
  static fromText(text: string): Approval;
  get bytes(): Uint8Array;
  get text(): string;
  /** Whether it says yes. */
  get approves(): boolean;
  get approver(): VerifyingKey;
  /** With the approver's key, what is withdrawn. */
  get id(): string;
  /** The id of the request that it answers. */
  get request(): string;
  get expires(): number;
  toString(): string;
  toJSON(): string;
}

/** A principal's consent to be impersonated. Nobody has checked its signature. */
export declare class Consent {
  private constructor();
  static decode(bytes: Uint8Array): Consent;
  static fromText(text: string): Consent;
  get bytes(): Uint8Array;
  get text(): string;
  toString(): string;
  toJSON(): string;
}

/** A call that somebody is asked to approve. The chain holds together by its hashes; its signatures are unverified. */
export declare class ApprovalRequest {
  /** For a call that was refused with `approval-required`. */
  constructor(chain: Chain, tool: string, args: { readonly [argument: string]: Value }, audience: string, options?: { context?: string });
  static decode(bytes: Uint8Array): ApprovalRequest;
  static fromText(textForm: string): ApprovalRequest;
  get bytes(): Uint8Array;
  /** The text form of the bytes. */
  get textForm(): string;
  /** What a person has to see before signing. */
  get text(): string;
  /** The `requestId` of the refusal. */
  get id(): string;
  get principal(): string;
  get mode(): Mode;
  get tool(): string;
  get arguments(): { readonly [argument: string]: FrozenValue };
  get audience(): string;
  get context(): string | null;
  get session(): string;
  /** Root first. The last one calls. */
  get holders(): VerifyingKey[];
  get expires(): number;
  get reason(): string | null;
  toString(): string;
  toJSON(): string;
}

/** What has to be approved at a verifier. A tool that is not listed needs `count` of `approvers`. */
export declare class ApprovalPolicy {
  constructor(
    count: number,
    approvers: readonly (Agent | VerifyingKey)[],
    options?: {
      harmless?: readonly string[];
      require?: ApprovalRules;
      /** Of tools that are not listed, those that the server annotates as read-only or additive need none. */
      byAnnotation?: boolean;
    },
  );
}

/** Someone who is shown each request and decides. */
export declare class Approver {
  /**
   * Without `ask`, the person at this process's terminal answers yes or no. Only `true` approves and only `false` denies, given within `timeoutMs`
   * (two minutes unless given).
   */
  constructor(agent: Agent, options?: { ask?: (request: ApprovalRequest) => boolean | Promise<boolean>; timeoutMs?: number; ttl?: number | string });
  /** Rejects with `approval-required`, and signs nothing, for every other answer and for none. */
  decide(request: ApprovalRequest): Promise<Approval>;
}
