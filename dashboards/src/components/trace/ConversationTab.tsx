import { useState } from "react";
import { Button } from "@/components/core/Button";
import { EmptyState } from "@/components/core/EmptyState";
import type { Observation } from "@/lib/api/types";
import { readContent, type Turn } from "./conversation";
import { JsonView } from "./JsonView";
import { MessageBlock } from "./MessageBlock";
import { MessageText } from "./MessageText";

const turnsAtFirst = 8;

/** What went in and what came out, as turns to read. */
export function ConversationTab({ observation }: { observation: Observation }) {
  const [all, setAll] = useState(false);
  const content = readContent(observation.input, observation.output);
  if (content.kind === "values") {
    const { input, output } = content;
    if (isNothing(input) && isNothing(output)) {
      return (
        <EmptyState title="No input or output was recorded" className="py-10">
          The attributes say what this observation was about.
        </EmptyState>
      );
    }
    return (
      <div className="flex flex-col gap-4 px-4 py-3">
        <Value title="Input" value={input} />
        <Value title="Output" value={output} />
      </div>
    );
  }
  const { turns } = content;
  const hidden = all ? 0 : Math.max(0, turns.length - turnsAtFirst);
  // The first turn is usually the system's: it stays, and the middle is folded.
  const shown = hidden > 0 ? [...turns.slice(0, 1), ...turns.slice(1 + hidden)] : turns;
  return (
    <div className="flex flex-col gap-4 px-4 py-3">
      {shown.map((turn, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: turns have no id and never move
        <div key={index} className="flex flex-col gap-4">
          <TurnView turn={turn} />
          {index === 0 && hidden > 0 ? (
            <Button size="sm" className="self-center" onClick={() => setAll(true)}>
              Show {hidden} earlier {hidden === 1 ? "message" : "messages"}
            </Button>
          ) : null}
        </div>
      ))}
    </div>
  );
}

const roleNames: Record<string, string> = {
  system: "System",
  developer: "Developer",
  user: "User",
  assistant: "Assistant",
  tool: "Tool",
};

function TurnView({ turn }: { turn: Turn }) {
  const answer = turn.side === "output";
  return (
    <section
      aria-label={`${roleNames[turn.role] ?? turn.role}${answer ? ", answer" : ""}`}
      data-answer={answer || undefined}
      className="flex flex-col gap-2 border-border border-l-2 pl-3 data-answer:border-accent"
    >
      <h3 className="flex items-baseline gap-2 font-medium text-muted-foreground text-xs">
        <span className={answer ? "text-accent" : undefined}>{roleNames[turn.role] ?? turn.role}</span>
        {turn.name ? <span className="font-normal">{turn.name}</span> : null}
        {turn.finishReason && turn.finishReason !== "stop" ? (
          <span className="ml-auto font-normal text-faint-foreground">stopped: {turn.finishReason}</span>
        ) : null}
      </h3>
      {turn.blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks have no id and never move
        <MessageBlock key={index} block={block} />
      ))}
    </section>
  );
}

function Value({ title, value }: { title: string; value: unknown }) {
  if (isNothing(value)) return null;
  return (
    <section aria-label={title} className="min-w-0">
      <h3 className="mb-1.5 font-medium text-muted-foreground text-xs">{title}</h3>
      {typeof value === "string" ? (
        <MessageText text={value} />
      ) : (
        <div className="rounded-md border border-border bg-sunken">
          <JsonView value={value} label={title} />
        </div>
      )}
    </section>
  );
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}
