import { CircleCheck, CircleSlash, CircleX } from "lucide-react";
import { cn } from "@/lib/cn";
import { formatDuration } from "@/lib/format/duration";
import type { Attempt } from "./attempts";

type AttemptStoryProps = { attempts: readonly Attempt[]; onSelected: (id: string) => void };

const icons = { answered: CircleCheck, failed: CircleX, cancelled: CircleSlash } as const;
const verbs = { answered: "Answered by", failed: "Tried", cancelled: "Cancelled at" } as const;

/** A gateway call as it went: tried one provider, then another, answered by a third. */
export function AttemptStory({ attempts, onSelected }: AttemptStoryProps) {
  return (
    <section aria-label="Gateway attempts" className="border-border border-b px-4 py-2.5">
      <ol className="flex flex-col">
        {attempts.map((attempt) => {
          const Icon = icons[attempt.outcome];
          const why = [attempt.status, attempt.reason].filter((part) => part !== undefined).join(", ");
          return (
            <li key={attempt.id}>
              <button
                type="button"
                onClick={() => onSelected(attempt.id)}
                className="-mx-1.5 flex w-[calc(100%+0.75rem)] items-center gap-2 rounded-sm px-1.5 py-1 text-left text-xs hover:bg-hover"
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
                <span className="text-muted-foreground">{verbs[attempt.outcome]}</span>
                <span className="font-medium">{attempt.provider}</span>
                {attempt.model ? (
                  <span className="truncate text-muted-foreground">{attempt.model}</span>
                ) : null}
                {attempt.outcome === "answered" ? null : (
                  <span className="truncate text-destructive">{why}</span>
                )}
                <span className="ml-auto shrink-0 tabular-nums">{formatDuration(attempt.durationMs)}</span>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
