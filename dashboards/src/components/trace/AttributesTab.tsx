import { useState } from "react";
import { CopyButton } from "@/components/core/CopyButton";
import { EmptyState } from "@/components/core/EmptyState";
import { Input } from "@/components/core/Input";
import type { Observation } from "@/lib/api/types";
import { type AttributeRow, attributeText, groupAttributes } from "./attributes";

const valueMost = 4_000;

/** Every attribute, found by a part of its key or value. */
export function AttributesTab({ observation }: { observation: Observation }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const groups = groupAttributes(observation)
    .map((group) => ({ ...group, rows: group.rows.filter((row) => isWanted(row, wanted)) }))
    .filter(({ rows }) => rows.length > 0);
  return (
    <div className="flex flex-col gap-4 px-4 py-3">
      <Input
        type="search"
        aria-label="Find an attribute"
        placeholder="Find an attribute"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="h-7.5 max-w-72"
      />
      {groups.map(({ title, hint, rows }) => (
        <section key={title} aria-label={title}>
          <h3 className="mb-1 flex items-baseline gap-2 font-medium text-xs">
            {title} <span className="font-normal text-faint-foreground">{hint}</span>
          </h3>
          <dl className="border-border border-t">
            {rows.map((row) => (
              <Attribute key={row.key} row={row} />
            ))}
          </dl>
        </section>
      ))}
      {groups.length === 0 ? (
        <EmptyState title={wanted ? "No attribute matches" : "No attributes were sent"} className="py-8" />
      ) : null}
    </div>
  );
}

function isWanted({ key, value }: AttributeRow, wanted: string): boolean {
  return (
    wanted === "" || key.toLowerCase().includes(wanted) || attributeText(value).toLowerCase().includes(wanted)
  );
}

function Attribute({ row }: { row: AttributeRow }) {
  const text = attributeText(row.value);
  return (
    <div className="group relative grid grid-cols-[minmax(8rem,2fr)_3fr] gap-3 border-border border-b py-1 font-mono text-xs leading-5 hover:bg-hover">
      <dt className="text-muted-foreground [overflow-wrap:anywhere]">{row.key}</dt>
      <dd className="whitespace-pre-wrap pr-7 [overflow-wrap:anywhere]">
        {text.slice(0, valueMost)}{" "}
        <CopyButton
          text={text}
          label={`Copy ${row.key}`}
          className="absolute top-0.5 right-0 opacity-0 focus-visible:opacity-100 group-hover:opacity-100"
        />
      </dd>
    </div>
  );
}
