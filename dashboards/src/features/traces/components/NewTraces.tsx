import { useQuery } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import type { Trace } from "@/lib/api/types";
import { countNew } from "../count-new";
import { newestTracesQuery, type TracesQuestion } from "../queries";

type NewTracesProps = { question: TracesQuestion; traces: readonly Trace[]; onShown: () => void };

/** Counts what came since the list was loaded, and leaves it to the person when to show it. */
export function NewTraces({ question, traces, onShown }: NewTracesProps) {
  const { data } = useQuery(newestTracesQuery({ ...question, from: question.from }));
  const fresh = countNew(data, traces);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none absolute inset-x-0 top-10 z-20 flex justify-center"
    >
      {fresh ? (
        <button
          type="button"
          onClick={onShown}
          className="pointer-events-auto inline-flex h-7 animate-in items-center gap-1.5 rounded-md border border-border-strong bg-popover px-2.5 font-medium text-accent text-xs shadow-popover hover:bg-hover"
        >
          <ArrowUp aria-hidden className="size-3.5" />
          {fresh} new
        </button>
      ) : null}
    </div>
  );
}
