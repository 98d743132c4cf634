/** Typed cells: one look for one kind of value, in every table. Exact figures are in the native tooltip, which costs a row nothing. */
import { CircleAlert } from "lucide-react";
import { Badge } from "@/components/core/Badge";
import { CopyText } from "@/components/core/CopyText";
import { cn } from "@/lib/cn";
import { formatCost, formatCostExact } from "@/lib/format/cost";
import { isZeroDecimal } from "@/lib/format/decimal";
import { formatDuration } from "@/lib/format/duration";
import { shortId } from "@/lib/format/id";
import { formatCount } from "@/lib/format/number";
import { formatAbsolute, formatRelative } from "@/lib/format/time";
import { formatTokens, formatTokensExact } from "@/lib/format/tokens";
import { useNow } from "@/lib/useNow";

/** Stands for what is not there. */
export function NothingCell() {
  return (
    <span aria-hidden className="text-faint-foreground">
      –
    </span>
  );
}

export function TimestampCell({ moment }: { moment: string }) {
  const now = useNow();
  return (
    <time
      dateTime={moment}
      title={formatAbsolute(moment)}
      className="truncate text-muted-foreground tabular-nums"
    >
      {formatRelative(moment, Math.max(now, Date.now()))}
    </time>
  );
}

type DurationCellProps = {
  durationMs: number;
  /** The longest on the page: the bar's full width. */
  maxMs: number;
};

/** The figure, and a thin bar against the longest on the page. */
export function DurationCell({ durationMs, maxMs }: DurationCellProps) {
  const share = maxMs > 0 ? Math.min(1, durationMs / maxMs) : 0;
  return (
    <span className="flex w-full flex-col items-end gap-[3px]">
      <span className="text-foreground tabular-nums leading-4">{formatDuration(durationMs)}</span>
      <span aria-hidden className="flex h-[2px] w-full justify-end bg-border">
        <span style={{ width: `${share * 100}%` }} className="h-full min-w-px bg-accent" />
      </span>
    </span>
  );
}

export function CostCell({ amount }: { amount: string | null | undefined }) {
  if (!amount || isZeroDecimal(amount)) return <NothingCell />;
  return (
    <span title={formatCostExact(amount)} className="tabular-nums">
      {formatCost(amount)}
    </span>
  );
}

export function TokensCell({ tokens }: { tokens: number | null | undefined }) {
  if (!tokens) return <NothingCell />;
  return (
    <span title={formatTokensExact(tokens)} className="tabular-nums">
      {formatTokens(tokens)}
    </span>
  );
}

export function CountCell({ count }: { count: number }) {
  return count === 0 ? <NothingCell /> : <span className="tabular-nums">{formatCount(count)}</span>;
}

/** Errors speak; everything else is quiet. */
export function ErrorsCell({ count }: { count: number }) {
  if (count === 0) return <NothingCell />;
  return (
    <span
      title={`${formatCount(count)} failed ${count === 1 ? "observation" : "observations"}`}
      className="inline-flex items-center gap-1 text-destructive tabular-nums"
    >
      <CircleAlert aria-hidden className="size-3.5" />
      {formatCount(count)}
    </span>
  );
}

const statusWords = { ok: "Ok", error: "Error", unset: "No status" } as const;

export function StatusDot({ status, className }: { status: "ok" | "error" | "unset"; className?: string }) {
  return (
    <span
      role="img"
      aria-label={statusWords[status]}
      title={statusWords[status]}
      className={cn(
        "size-1.5 shrink-0 rounded-full",
        status === "error" ? "bg-destructive" : status === "ok" ? "bg-success/60" : "bg-border-strong",
        className,
      )}
    />
  );
}

export function IdCell({ id }: { id: string }) {
  return <CopyText text={id} display={shortId(id)} />;
}

const tagsShown = 2;

export function TagsCell({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return <NothingCell />;
  const rest = tags.length - tagsShown;
  return (
    <span title={tags.join(", ")} className="flex min-w-0 items-center gap-1">
      {tags.slice(0, tagsShown).map((tag) => (
        <Badge key={tag} tone="outline" className="min-w-0">
          <span className="truncate">{tag}</span>
        </Badge>
      ))}
      {rest > 0 ? <span className="text-muted-foreground text-xs">+{rest}</span> : null}
    </span>
  );
}

const previewTitleChars = 600;

/** The beginning of a longer text, on one line. */
export function TextCell({ text, className }: { text: string | null | undefined; className?: string }) {
  if (!text) return <NothingCell />;
  return (
    <span
      title={text.slice(0, previewTitleChars)}
      className={cn("truncate text-muted-foreground", className)}
    >
      {text.slice(0, 300).replace(/\s+/g, " ")}
    </span>
  );
}
