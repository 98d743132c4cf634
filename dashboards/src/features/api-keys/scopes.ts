import type { Scope } from "@/lib/api/types";

/** What a key may do, in the order in which it is shown. */
export const scopes: { value: Scope; label: string; description: string }[] = [
  { value: "ingest", label: "Ingest", description: "Send traces, logs and metrics." },
  { value: "gateway", label: "Gateway", description: "Call models through the gateway." },
  { value: "read", label: "Read", description: "Read telemetry back." },
];

export const allScopes: Scope[] = scopes.map(({ value }) => value);
