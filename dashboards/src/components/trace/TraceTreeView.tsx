// biome-ignore-all lint/a11y/useSemanticElements: rows of a tree, placed by transform
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { TraceTreeHeader } from "./TraceTreeHeader";
import { TraceTreeRow } from "./TraceTreeRow";
import type { TraceTree, TreeNode, TreeRow } from "./tree";
import { waterfallTicks } from "./waterfall";

type TraceTreeViewProps = {
  tree: TraceTree;
  rows: TreeRow[];
  selectedId: string | undefined;
  collapsed: ReadonlySet<string>;
  onSelected: (id: string) => void;
  onToggled: (node: TreeNode) => void;
};

export const treeRowHeight = 28;
const ticksMost = 4;

/** The tree and the waterfall, one row for both. Only the rows in sight exist. */
export function TraceTreeView({
  tree,
  rows,
  selectedId,
  collapsed,
  onSelected,
  onToggled,
}: TraceTreeViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => treeRowHeight,
    overscan: 8,
    getItemKey: (index) => rows[index]?.node.id ?? index,
  });
  const ticks = waterfallTicks(tree.durationMs, ticksMost);
  const selectedIndex = rows.findIndex(({ node }) => node.id === selectedId);

  // Moves the scroll position to what is selected, when the selection came from elsewhere.
  useEffect(() => {
    if (selectedIndex >= 0) virtualizer.scrollToIndex(selectedIndex, { align: "auto" });
  }, [selectedIndex, virtualizer]);

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>) {
    const current = rows[selectedIndex]?.node;
    const to = (index: number) => {
      const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
      if (row) onSelected(row.node.id);
    };
    switch (event.key) {
      case "ArrowDown":
        to(selectedIndex + 1);
        break;
      case "ArrowUp":
        to(selectedIndex - 1);
        break;
      case "Home":
        to(0);
        break;
      case "End":
        to(rows.length - 1);
        break;
      case "ArrowRight":
        if (current && collapsed.has(current.id)) onToggled(current);
        else to(selectedIndex + 1);
        break;
      case "ArrowLeft":
        if (current && current.childCount > 0 && !collapsed.has(current.id)) onToggled(current);
        else if (current) to(rows.findIndex(({ node }) => node.index === current.parent));
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  return (
    <div className="@container flex min-h-0 flex-1 flex-col">
      <TraceTreeHeader ticks={ticks} />
      <div
        ref={scroller}
        role="tree"
        aria-label="Observations"
        tabIndex={0}
        aria-activedescendant={selectedId ? `observation-${selectedId}` : undefined}
        onKeyDown={onKeyDown}
        className="min-h-0 flex-1 overflow-y-auto overflow-x-hidden overscroll-contain focus-visible:outline-offset-[-2px]"
      >
        <div className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <TraceTreeRow
                key={item.key}
                row={row}
                top={item.start}
                totalMs={tree.durationMs}
                ticks={ticks}
                selected={row.node.id === selectedId}
                collapsed={collapsed.has(row.node.id)}
                onSelected={onSelected}
                onToggled={onToggled}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}
