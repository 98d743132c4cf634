import * as z from "zod";

/** The list's own search parameters; time range and environment belong to the project route. */
export const tracesSearchSchema = z.object({
  filter: z.string().optional().catch(undefined),
});

export const traceSearchSchema = z.object({
  observation: z.string().optional().catch(undefined),
});
