import { cn } from "@/lib/cn";
import { parseFilter } from "../filter-language";
import type { FilterProblem } from "../filter-problem";

type FilterHighlightProps = { text: string; problem: FilterProblem | undefined; scrolledPixels: number };

type Piece = { start: number; end: number; className?: string };

/** Lies under the field's own, transparent text, letter for letter. */
export function FilterHighlight({ text, problem, scrolledPixels }: FilterHighlightProps) {
  const span = problem?.span;
  return (
    <div aria-hidden className="pointer-events-none absolute inset-0 flex items-center overflow-hidden px-2">
      <div className="whitespace-pre" style={{ transform: `translateX(${-scrolledPixels}px)` }}>
        {pieces(text, span).map(({ start, end, className }) => (
          <span
            key={start}
            className={cn(
              className,
              span &&
                start < span.end &&
                end > span.start &&
                "underline decoration-destructive decoration-wavy underline-offset-4",
            )}
          >
            {text.slice(start, end)}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The text cut where its colour changes and where the mistake begins and ends. */
function pieces(text: string, span: { start: number; end: number } | undefined): Piece[] {
  const coloured = parseFilter(text).flatMap((term): Piece[] => {
    if (!term.field) return [];
    const valueStart = term.values[0]?.start ?? term.end;
    return [
      { start: term.start, end: term.field.end + 1, className: "text-accent" },
      { start: term.field.end + 1, end: valueStart, className: "text-muted-foreground" },
    ];
  });
  const edges = new Set([0, text.length]);
  for (const { start, end } of coloured) edges.add(start).add(end);
  if (span) edges.add(Math.min(span.start, text.length)).add(Math.min(span.end, text.length));
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, index) => {
    const end = sorted[index + 1] ?? text.length;
    const colour = coloured.find(
      (piece) => piece.start <= start && piece.end >= end && piece.end > piece.start,
    );
    return { start, end, className: colour?.className };
  });
}
