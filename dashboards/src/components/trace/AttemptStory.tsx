import { CircleCheck, CircleSlash, CircleX } from "lucide-react";
import { cn } from "@/lib/cn";
import { formatCost, formatCostExact } from "@/lib/format/cost";
import { formatDuration } from "@/lib/format/duration";
import type { Attempt } from "./attempts";

type AttemptStoryProps = { attempts: readonly Attempt[]; onSelected: (id: string) => void };

const icons = { answered: CircleCheck, failed: CircleX, cancelled: CircleSlash } as const;
const verbs = { answered: "Answered by", failed: "Tried", cancelled: "Cancelled at" } as const;

/** How long it took until its first token, and what it cost: on a line of its own, since only answers have them. */
function AttemptFigures({ attempt }: { attempt: Attempt }) {
  if (!attempt.firstTokenMs && !attempt.cost) return null;
  return (
    <span className="col-start-2 flex gap-x-3 text-muted-foreground tabular-nums">
      {attempt.firstTokenMs ? <span>{formatDuration(attempt.firstTokenMs)} to first token</span> : null}
      {attempt.cost ? <span title={formatCostExact(attempt.cost)}>{formatCost(attempt.cost)}</span> : null}
    </span>
  );
}

/** A gateway call as it went: tried one provider, then another, answered by a third. */
export function AttemptStory({ attempts, onSelected }: AttemptStoryProps) {
  return (
    <section aria-label="Gateway attempts" className="border-border border-b px-4 py-2.5">
      <ol className="flex flex-col">
        {attempts.map((attempt) => {
          const Icon = icons[attempt.outcome];
          const told = [attempt.status, attempt.outcome === "answered" ? undefined : attempt.reason];
          const why = told.filter((part) => part !== undefined).join(", ");
          return (
            <li key={attempt.id}>
              <button
                type="button"
                onClick={() => onSelected(attempt.id)}
                className="-mx-1.5 grid w-[calc(100%+0.75rem)] grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-2 gap-y-0.5 rounded-sm px-1.5 py-1 text-left text-xs hover:bg-hover"
              >
                <Icon
                  aria-hidden
                  className={cn(
                    "size-3.5 shrink-0",
                    attempt.outcome === "failed"
                      ? "text-destructive"
                      : attempt.outcome === "answered"
                        ? "text-success"
                        : "text-faint-foreground",
                  )}
                />
                <span className="flex min-w-0 gap-x-2">
                  <span className="shrink-0 text-muted-foreground">
                    {attempt.hedge && attempt.outcome !== "answered" ? "Also tried" : verbs[attempt.outcome]}
                  </span>
                  <span className="shrink-0 font-medium">{attempt.provider}</span>
                  {attempt.model ? (
                    <span className="truncate text-muted-foreground">{attempt.model}</span>
                  ) : null}
                  {why ? (
                    <span
                      className={cn(
                        "min-w-0 truncate tabular-nums",
                        attempt.outcome === "failed" ? "text-destructive" : "text-muted-foreground",
                      )}
                    >
                      {why}
                    </span>
                  ) : null}
                </span>
                <span className="tabular-nums" title="From start to end">
                  {formatDuration(attempt.durationMs)}
                </span>
                <AttemptFigures attempt={attempt} />
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
