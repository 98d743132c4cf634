import { useState } from "react";
import { Button } from "@/components/core/Button";
import { JsonLine } from "./JsonLine";
import { childrenStep, jsonRows } from "./json-rows";

/** More rows than this would be slow to draw; the text view has everything. */
const rowsMost = 2_000;

/** A JSON value to open level by level. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<ReadonlyMap<string, number>>(new Map());
  const rows = jsonRows(value, { toggled, shown });

  function toggle(path: string) {
    const next = new Set(toggled);
    if (!next.delete(path)) next.add(path);
    setToggled(next);
  }

  return (
    <section aria-label={label} className="overflow-x-auto py-1 font-mono text-xs leading-5">
      {rows.slice(0, rowsMost).map((row) =>
        row.hiddenCount ? (
          <Button
            key={row.path}
            variant="ghost"
            size="sm"
            style={{ marginLeft: row.depth * 14 + 14 }}
            onClick={() => {
              const path = String(row.value);
              setShown(new Map(shown).set(path, (shown.get(path) ?? childrenStep) + childrenStep * 5));
            }}
          >
            {row.hiddenCount} more
          </Button>
        ) : (
          <JsonLine key={row.path} row={row} onToggled={() => toggle(row.path)} />
        ),
      )}
      {rows.length > rowsMost ? (
        <p className="px-3 py-1 font-sans text-muted-foreground">
          {rows.length - rowsMost} more lines. Close a part, or look at the text.
        </p>
      ) : null}
    </section>
  );
}
