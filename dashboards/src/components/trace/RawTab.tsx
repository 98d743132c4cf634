import { useState } from "react";
import { CopyButton } from "@/components/core/CopyButton";
import { Segmented } from "@/components/core/Segmented";
import type { Observation } from "@/lib/api/types";
import { JsonView } from "./JsonView";

const views = [
  { value: "tree", label: "Tree" },
  { value: "text", label: "Text" },
] as const;
const parts = [
  { value: "input", label: "Input" },
  { value: "output", label: "Output" },
  { value: "all", label: "Everything" },
] as const;
const textMost = 200_000;

/** What was received, as it was received. */
export function RawTab({ observation }: { observation: Observation }) {
  const [view, setView] = useState<"tree" | "text">("tree");
  const [part, setPart] = useState<"input" | "output" | "all">("all");
  const value: unknown = part === "all" ? observation : observation[part];
  return (
    <div className="flex min-h-0 flex-col">
      <div className="sticky top-0 z-1 flex flex-wrap items-center gap-2 bg-background px-4 py-2">
        <Segmented label="Part" value={part} options={parts} onValueChange={setPart} />
        <Segmented label="View" value={view} options={views} onValueChange={setView} />
      </div>
      {view === "tree" ? (
        <div className="px-2 pb-4">
          <JsonView key={part} value={value} label="Raw value" />
        </div>
      ) : (
        <RawText value={value} />
      )}
    </div>
  );
}

function RawText({ value }: { value: unknown }) {
  const text = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "null");
  return (
    <div className="relative px-4 pb-4">
      <CopyButton
        text={text}
        label="Copy the text"
        side="left"
        className="absolute top-2 right-6 bg-sunken"
      />
      <pre className="overflow-x-auto whitespace-pre-wrap rounded-md border border-border bg-sunken p-3 pr-10 font-mono text-xs leading-5 [overflow-wrap:anywhere]">
        {text.slice(0, textMost)}
      </pre>
      {text.length > textMost ? (
        <p className="pt-1 text-muted-foreground text-xs">
          The first {textMost.toLocaleString("en-US")} characters; copying takes all{" "}
          {text.length.toLocaleString("en-US")}.
        </p>
      ) : null}
    </div>
  );
}
