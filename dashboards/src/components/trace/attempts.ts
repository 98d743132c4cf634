/** The attempts of a gateway call as one story: tried A (429, 310 ms), tried B (timeout), answered by C. */
import type { Observation } from "@/lib/api/types";
import type { TraceTree, TreeNode } from "./tree";

export type Attempt = {
  id: string;
  provider: string;
  model: string | null;
  /** The provider's HTTP status, when there was an answer. */
  status: number | undefined;
  /** Why it failed, in a word. */
  reason: string | undefined;
  durationMs: number;
  /** From the attempt's start to the first token of its answer. */
  firstTokenMs: number | null;
  /** US dollars, a decimal; nothing when it used nothing that has a price. */
  cost: string | null;
  /** Whether it was sent while another attempt was still awaited. */
  hedge: boolean;
  outcome: "answered" | "failed" | "cancelled";
};

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const number = (value: unknown) => {
  const read = typeof value === "string" ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) ? read : undefined;
};

/** Only for a gateway's own span: one with attempts right below it. */
export function attemptsOf(tree: TraceTree, node: TreeNode): Attempt[] {
  if (node.observation.attributes["brokle.gateway.attempts"] === undefined) return [];
  const attempts: { number: number; attempt: Attempt }[] = [];
  for (let index = node.index + 1; index < node.end; ) {
    const child = tree.nodes[index];
    if (!child) break;
    const order = number(child.observation.attributes["brokle.gateway.attempt"]);
    if (order !== undefined) attempts.push({ number: order, attempt: readAttempt(child.observation) });
    index = child.end;
  }
  return attempts.sort((a, b) => a.number - b.number).map(({ attempt }) => attempt);
}

/** Who was asked, of an observation that is one of a gateway's attempts: their names are all alike. */
export function providerOfAttempt(observation: Observation): string | undefined {
  const { attributes } = observation;
  if (attributes["brokle.gateway.attempt"] === undefined) return undefined;
  return text(attributes["brokle.gateway.provider"]);
}

function readAttempt(observation: Observation): Attempt {
  const { attributes } = observation;
  const outcome = text(attributes["brokle.gateway.outcome"]);
  return {
    id: observation.observation_id,
    provider: text(attributes["brokle.gateway.provider"]) ?? observation.provider ?? "provider",
    model: observation.model ?? null,
    status: number(attributes["http.response.status_code"]),
    reason: text(attributes["error.type"])?.replaceAll("_", " "),
    durationMs: observation.duration_ms,
    firstTokenMs: observation.time_to_first_token_ms ?? null,
    cost: observation.cost?.total ?? null,
    hedge: attributes["brokle.gateway.hedge"] === true || attributes["brokle.gateway.hedge"] === "true",
    outcome:
      outcome === "cancelled"
        ? "cancelled"
        : outcome === "failed" || observation.status === "error"
          ? "failed"
          : "answered",
  };
}
