// The same functions as for CommonJS.
import implementation from './export.cjs';

export const { toAct, toCloudEvent, toOcsf, toTelemetry } = implementation;
