/** A trace and its observations, in the shape of the dashboard's API. */
export type SampleTrace = { trace: { trace_id: string; name: string }; observations: unknown[] };

/** About sixty traces of the day before `nowMs`; the first is the support agent's. */
export function sampleTraces(nowMs: number): SampleTrace[];
