import type { SampleTrace } from "./mock-data.mjs";

/** The sample as an OTLP/JSON ExportTraceServiceRequest. */
export function toOtlp(sample: SampleTrace): Record<string, unknown>;
