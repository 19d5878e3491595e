import type { AuditEvent, AuditRecord } from './index.cjs';

/** A record: its JSON, or an object as `readLog` gives it. */
export type Recorded = AuditRecord | AuditEvent | string | { readonly [member: string]: unknown };

export interface Actor {
  act?: Actor;
  iss?: string;
  name?: string;
  sub: string;
}

/** A decision as claims of RFC 8693; `null` unless its caller proved itself. Never authorize by it. */
export declare function toAct(record: Recorded): { act?: Actor; aud: string; iss: string; sub: string } | null;

/** An entry of a log as a structured CloudEvent 1.0, with the record as its `data`. */
export declare function toCloudEvent(
  record: Recorded,
  origin: string,
  sequence: number,
): { data: { [member: string]: unknown }; datacontenttype: string; id: string; source: string; specversion: '1.0'; subject?: string; time?: string; type: string };

/** An entry of a log as an event of OCSF's class API Activity; `null` for what is about no activity. */
export declare function toOcsf(record: Recorded, origin: string, sequence: number): { [member: string]: unknown } | null;

export interface Telemetry {
  attributes: { [name: string]: string | number | string[] };
  event: string;
  severity: { number: number; text: string };
  span: string;
  status: 'error' | 'unset';
}

/** What OpenTelemetry is told of a record. */
export declare function toTelemetry(record: Recorded): Telemetry;
