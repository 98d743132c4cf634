/** An observation for tests; a test names only what it is about. */
import type { Observation } from "@/lib/api/types";

export function anObservation(values: Partial<Observation> = {}): Observation {
  return {
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    observation_id: "00f067aa0ba902b7",
    parent_observation_id: null,
    type: "span",
    name: "step",
    kind: "internal",
    start_time: "2026-11-22T10:00:00Z",
    end_time: "2026-11-22T10:00:00.010Z",
    duration_ms: 10,
    status: "ok",
    level: "default",
    status_message: null,
    environment: "production",
    service_name: "support-bot",
    provider: null,
    model: null,
    model_requested: null,
    input: null,
    output: null,
    usage: null,
    cost: null,
    cost_source: null,
    time_to_first_token_ms: null,
    metadata: {},
    attributes: {},
    resource: {},
    scope: { name: null, version: null },
    events: [],
    links: [],
    scores: [],
    ...values,
  };
}
