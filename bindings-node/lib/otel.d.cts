import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { AuditEvent, AuditRecord, AuditSink, TrustState } from './index.cjs';
import type { Trace } from './mcp.cjs';

export interface AuditOptions {
  /** Whose lists the gauge `deputize.revocation.age` is about. */
  state?: TrustState;
  authorities?: readonly string[];
  /** The verifier's own clock, for `clock` of the sink. */
  clock?: () => number;
  /** The global ones unless given. */
  tracerProvider?: TracerProvider;
  meterProvider?: MeterProvider;
  loggerProvider?: { getLogger(name: string, version?: string): unknown };
}

export interface Audit {
  (record: AuditRecord | AuditEvent): unknown;
  /** The clock for a verifier, in milliseconds: from its reading on a decision is timed. */
  clock(): number;
}

/** An audit sink that hands each record to another, and to OpenTelemetry what it took. What goes wrong with telemetry changes nothing. */
export declare function audit(sink?: AuditSink, options?: AuditOptions): Audit;

/** W3C Trace Context in the `_meta` of MCP, for the option `trace` of `guard` and `signCalls`. It is what the caller says, and proves nothing. */
export declare const trace: Trace;
