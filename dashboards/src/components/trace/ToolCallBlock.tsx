import { Wrench } from "lucide-react";
import { CodeBlock } from "@/components/core/CodeBlock";
import { CopyText } from "@/components/core/CopyText";
import type { Block } from "./conversation";

type ToolCall = Extract<Block, { kind: "tool" }>;

/** What the model asked of a tool, and what came back, side by side. */
export function ToolCallBlock({ call }: { call: ToolCall }) {
  return (
    <div className="@container rounded-md border border-border bg-surface">
      <div className="flex items-center gap-1.5 px-2.5 py-1.5">
        <Wrench aria-hidden className="size-3.5 shrink-0 text-obs-tool" />
        <span className="truncate font-medium font-mono text-xs">{call.name}</span>
        {call.id ? (
          <CopyText text={call.id} display={shortCallId(call.id)} className="ml-auto text-2xs" />
        ) : null}
      </div>
      <div className="grid gap-2 px-2.5 pb-2.5 @md:grid-cols-2">
        <ToolValue title="Arguments" value={call.arguments} />
        {call.result ? (
          <ToolValue title="Result" value={call.result.value} />
        ) : (
          <div className="text-xs">
            <p className="mb-1 text-faint-foreground text-2xs">Result</p>
            <p className="text-muted-foreground">Not part of this call</p>
          </div>
        )}
      </div>
    </div>
  );
}

export function ToolValue({ title, value }: { title: string; value: unknown }) {
  const isText = typeof value === "string";
  return (
    <div className="min-w-0">
      <p className="mb-1 text-faint-foreground text-2xs">{title}</p>
      <CodeBlock
        code={isText ? value : (JSON.stringify(value, null, 2) ?? "null")}
        language={isText ? undefined : "json"}
        label={`Copy the ${title.toLowerCase()}`}
        className="max-h-72 whitespace-pre-wrap p-2 pr-9 [overflow-wrap:anywhere]"
      />
    </div>
  );
}

function shortCallId(id: string): string {
  return id.length > 14 ? `…${id.slice(-10)}` : id;
}
