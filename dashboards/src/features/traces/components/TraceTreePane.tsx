import { useMemo, useState } from "react";
import { EmptyState } from "@/components/core/EmptyState";
import { ErrorState } from "@/components/core/ErrorState";
import { useRowKeys } from "@/components/table/useRowKeys";
import { TraceTreeView } from "@/components/trace/TraceTreeView";
import { ancestorIds, nextError, type TraceTree, type TreeNode, visibleRows } from "@/components/trace/tree";
import type { Trace } from "@/lib/api/types";
import { useHotkey } from "@/lib/useHotkey";
import type { useObservations } from "../useObservations";
import { TraceProgress } from "./TraceProgress";
import { TreeSkeleton } from "./TraceSkeleton";
import { TreeToolbar } from "./TreeToolbar";

type TraceTreePaneProps = {
  trace: Trace;
  query: ReturnType<typeof useObservations>["query"];
  tree: TraceTree;
  selectedId: string | undefined;
  /** In a drawer j and k belong to the list behind it. */
  inDrawer: boolean;
  onSelected: (id: string) => void;
};

const nobody: ReadonlySet<string> = new Set();

export function TraceTreePane({ trace, query, tree, selectedId, inDrawer, onSelected }: TraceTreePaneProps) {
  const [collapsed, setCollapsed] = useState(nobody);
  const [text, setText] = useState("");
  const [types, setTypes] = useState(nobody);
  const rows = useMemo(() => visibleRows(tree, { collapsed, text, types }), [tree, collapsed, text, types]);

  function toggle(node: TreeNode) {
    const next = new Set(collapsed);
    if (!next.delete(node.id)) next.add(node.id);
    setCollapsed(next);
  }

  function goToNextError() {
    const node = nextError(tree, selectedId);
    if (!node) return;
    const above = new Set(ancestorIds(tree, node.id));
    setCollapsed(new Set([...collapsed].filter((id) => !above.has(id))));
    setText("");
    setTypes(nobody);
    onSelected(node.id);
  }
  useHotkey("e", goToNextError);

  const selectedIndex = inDrawer ? -1 : rows.findIndex(({ node }) => node.id === selectedId);
  useRowKeys({
    count: inDrawer ? 0 : rows.length,
    active: selectedIndex,
    onMoved: (index) => {
      const row = rows[index];
      if (row) onSelected(row.node.id);
    },
    onOpened: () => {},
  });

  if (query.isError && tree.nodes.length === 0) {
    return (
      <ErrorState
        error={query.error}
        title="The observations could not be loaded"
        onRetry={() => void query.refetch()}
        retrying={query.isFetching}
      />
    );
  }
  return (
    <>
      <TreeToolbar
        text={text}
        types={types}
        tree={tree}
        allCollapsed={collapsed.size > 0}
        onTextChanged={setText}
        onTypesChanged={setTypes}
        onCollapseToggled={() =>
          setCollapsed(
            collapsed.size > 0
              ? nobody
              : new Set(
                  tree.nodes
                    .filter(({ childCount, depth }) => childCount > 0 && depth > 0)
                    .map(({ id }) => id),
                ),
          )
        }
        onNextError={goToNextError}
      />
      <TraceProgress trace={trace} query={query} tree={tree} />
      {tree.nodes.length === 0 && query.isFetching ? (
        <TreeSkeleton />
      ) : rows.length === 0 ? (
        <EmptyState
          title={tree.nodes.length === 0 ? "No observations have arrived" : "No observation matches"}
        >
          {tree.nodes.length === 0 ? "They follow their trace within seconds." : null}
        </EmptyState>
      ) : (
        <TraceTreeView
          tree={tree}
          rows={rows}
          selectedId={selectedId}
          collapsed={collapsed}
          onSelected={onSelected}
          onToggled={toggle}
        />
      )}
    </>
  );
}
