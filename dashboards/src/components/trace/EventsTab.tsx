import { EmptyState } from "@/components/core/EmptyState";
import type { Observation } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatDuration } from "@/lib/format/duration";
import { formatAbsolute, preciseMs } from "@/lib/format/time";
import { attributeText } from "./attributes";

/** What happened during the observation, and when. */
export function EventsTab({ observation }: { observation: Observation }) {
  if (observation.events.length === 0) {
    return <EmptyState title="No events were recorded" className="py-10" />;
  }
  const start = preciseMs(observation.start_time);
  return (
    <ol className="flex flex-col gap-3 px-4 py-3">
      {observation.events.map((event, index) => {
        const failed = event.name === "exception";
        return (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: events have no id and never move
            key={index}
            className={cn("rounded-md border border-border", failed && "border-destructive/40")}
          >
            <div className="flex items-baseline gap-3 px-3 py-1.5">
              <span className={cn("font-medium", failed && "text-destructive")}>{event.name}</span>
              <time
                dateTime={event.time}
                title={formatAbsolute(event.time)}
                className="ml-auto text-muted-foreground text-xs tabular-nums"
              >
                after {formatDuration(preciseMs(event.time) - start)}
              </time>
            </div>
            {Object.keys(event.attributes).length > 0 ? (
              <dl className="border-border border-t px-3 py-1.5 font-mono text-xs leading-5">
                {Object.entries(event.attributes).map(([key, value]) => (
                  <div key={key} className="flex flex-col gap-x-3 sm:flex-row">
                    <dt className="shrink-0 text-muted-foreground sm:w-44">{key}</dt>
                    <dd className="min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]">
                      {attributeText(value)}
                    </dd>
                  </div>
                ))}
              </dl>
            ) : null}
          </li>
        );
      })}
    </ol>
  );
}
