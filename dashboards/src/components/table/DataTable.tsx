// biome-ignore-all lint/a11y/useSemanticElements: virtual rows are placed by transform, which table elements do not take
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import { cn } from "@/lib/cn";
import type { TableColumn } from "./columns";
import { DataTableHeader } from "./DataTableHeader";
import { DataTableRow } from "./DataTableRow";
import { compactRowHeight, rowHeight } from "./sizes";
import { TableSkeleton } from "./TableSkeleton";
import type { DataTableModel } from "./useDataTable";

export type DataTableProps<Row extends object> = {
  /** What the rows are, for screen readers. */
  label: string;
  table: DataTableModel<Row>;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowId: (row: Row) => string;
  /** The row the keyboard is on, or -1. */
  activeIndex: number;
  /** The row whose detail is open. */
  openId?: string;
  onRowOpened: (row: Row, index: number) => void;
  /** True until the first rows are there. */
  loading?: boolean;
  /** True while the rows shown answer an older question. */
  stale?: boolean;
  /** Shown in place of rows: empty, failed. */
  face?: ReactNode;
  /** Called when the last rows come near; the caller knows whether there are more. */
  onEndReached?: () => void;
  /** Below the last row: loading more, or the end. */
  footer?: ReactNode;
  /** One row where there is no room for columns. */
  compact?: (row: Row) => ReactNode;
};

const overscan = 12;
const endAheadRows = 20;

/** Rows by the thousand: only those in sight exist. Sorting, filtering and paging are the server's. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { rows, table, activeIndex, onEndReached, compact, face } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (compact ? compactRowHeight : rowHeight),
    overscan,
    getItemKey: (index) => {
      const row = rows[index];
      return row ? props.rowId(row) : index;
    },
  });
  const items = virtualizer.getVirtualItems();
  const lastIndex = items.at(-1)?.index ?? 0;
  const nearEnd = rows.length > 0 && lastIndex >= rows.length - endAheadRows;

  // Tells the owner of the data that the scroll position came near its end.
  useEffect(() => {
    if (nearEnd) onEndReached?.();
  }, [nearEnd, onEndReached]);

  // Moves the scroll position with the keyboard's row.
  useEffect(() => {
    if (activeIndex >= 0) virtualizer.scrollToIndex(activeIndex, { align: "auto" });
  }, [activeIndex, virtualizer]);

  const width = compact ? undefined : table.getTotalSize();
  return (
    <div ref={scroller} className="@container relative min-h-0 flex-1 overflow-auto overscroll-contain">
      <div
        role="table"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        aria-busy={props.loading || props.stale}
        style={{ minWidth: width }}
        className="flex min-h-full flex-col"
      >
        {compact ? null : <DataTableHeader table={table} columns={props.columns} />}
        {props.loading ? (
          <OneCell>
            <TableSkeleton table={table} columns={props.columns} compact={compact !== undefined} />
          </OneCell>
        ) : face ? (
          <OneCell>
            <div className="sticky left-0 flex min-h-64 w-[100cqw] flex-1 flex-col">{face}</div>
          </OneCell>
        ) : (
          <div
            role="rowgroup"
            style={{ height: virtualizer.getTotalSize() }}
            className={cn("relative shrink-0 transition-opacity", props.stale && "opacity-50")}
          >
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <DataTableRow
                  key={item.key}
                  index={item.index}
                  top={item.start}
                  height={item.size}
                  row={row}
                  table={table}
                  columns={props.columns}
                  compact={compact}
                  active={item.index === activeIndex}
                  open={props.rowId(row) === props.openId}
                  onOpened={props.onRowOpened}
                />
              );
            })}
          </div>
        )}
        {face || props.loading ? null : props.footer}
      </div>
    </div>
  );
}

/** What stands in place of rows is still inside a table, which holds rows of cells and nothing else. */
function OneCell({ children }: { children: ReactNode }) {
  return (
    <div role="rowgroup" className="contents">
      {/* biome-ignore lint/a11y/useFocusableInteractive: not a row to act on */}
      <div role="row" className="contents">
        <div role="cell" className="contents">
          {children}
        </div>
      </div>
    </div>
  );
}
