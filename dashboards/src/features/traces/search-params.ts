import * as z from "zod";

const text = z.string().min(1).max(4_000).optional().catch(undefined);

export const observationTabs = ["conversation", "raw", "attributes", "events", "cost"] as const;
export type ObservationTab = (typeof observationTabs)[number];

/** Which observation of a trace is selected, and which of its tabs. */
const inTrace = {
  observation: text,
  tab: z.enum(observationTabs).optional().catch(undefined),
};

/** The list's own search parameters; time range and environment belong to the project route. */
export const tracesSearchSchema = z.object({
  filter: text,
  /** The trace whose drawer is open over the list. */
  peek: text,
  /** Whether new traces are counted as they come. */
  live: z.literal(true).optional().catch(undefined),
  ...inTrace,
});

export const traceSearchSchema = z.object(inTrace);

export type TracesSearch = z.infer<typeof tracesSearchSchema>;
export type TraceSearch = z.infer<typeof traceSearchSchema>;
