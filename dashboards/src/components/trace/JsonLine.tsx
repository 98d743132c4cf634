import { ChevronRight } from "lucide-react";
import { CopyButton } from "@/components/core/CopyButton";
import { cn } from "@/lib/cn";
import { attributeText } from "./attributes";
import { isContainer, type JsonRow } from "./json-rows";

const stringMost = 2_000;

/** One key and its value, or the beginning of what is inside. */
export function JsonLine({ row, onToggled }: { row: JsonRow; onToggled: () => void }) {
  const opens = (row.size ?? 0) > 0;
  return (
    <div
      style={{ paddingLeft: row.depth * 14 + 4 }}
      className="group relative flex min-w-0 items-start gap-1 pr-16 hover:bg-hover"
    >
      {opens ? (
        <button
          type="button"
          aria-expanded={row.open}
          aria-label={`${row.open ? "Close" : "Open"} ${row.path || "the value"}`}
          onClick={onToggled}
          className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-sm text-muted-foreground hover:bg-border"
        >
          <ChevronRight aria-hidden className={cn("size-3", row.open && "rotate-90")} />
        </button>
      ) : (
        <span className="w-4 shrink-0" />
      )}
      {row.name === undefined ? null : <span className="shrink-0 text-muted-foreground">{row.name}:</span>}
      <JsonValue row={row} />
      <span className="absolute top-0 right-1 hidden bg-hover group-focus-within:flex group-hover:flex">
        {row.path ? (
          <CopyButton text={row.path} label="Copy the path" size="icon-sm" className="h-5" />
        ) : null}
        <CopyButton
          text={isContainer(row.value) ? JSON.stringify(row.value, null, 2) : attributeText(row.value)}
          label="Copy the value"
          size="icon-sm"
          className="h-5"
        />
      </span>
    </div>
  );
}

function JsonValue({ row }: { row: JsonRow }) {
  const { value, size = 0 } = row;
  if (isContainer(value)) {
    const list = Array.isArray(value);
    const words = list ? `[${size}]` : size === 0 ? "{}" : `{${size}}`;
    return <span className="text-faint-foreground">{words}</span>;
  }
  if (typeof value === "string") {
    const cut = value.length > stringMost;
    return (
      <span className="whitespace-pre-wrap break-words text-code-string [overflow-wrap:anywhere]">
        "{cut ? value.slice(0, stringMost) : value}"
        {cut ? (
          <span className="text-faint-foreground"> and {value.length - stringMost} characters more</span>
        ) : null}
      </span>
    );
  }
  return (
    <span className={typeof value === "number" ? "text-code-number" : "text-code-keyword"}>
      {String(value)}
    </span>
  );
}
