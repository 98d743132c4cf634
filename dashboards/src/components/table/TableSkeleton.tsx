import { Skeleton } from "@/components/core/Skeleton";
import { columnStyle } from "./column-style";
import type { TableColumn } from "./columns";
import { compactRowHeight, rowHeight } from "./sizes";
import type { DataTableModel } from "./useDataTable";

type TableSkeletonProps<Row extends object> = {
  table: DataTableModel<Row>;
  columns: readonly TableColumn<Row>[];
  compact: boolean;
};

const rows = Array.from({ length: 24 }, (_, index) => index);
/** Widths that do not line up, so that it reads as text to come. */
const widths = ["72%", "48%", "86%", "60%", "38%"];

/** Rows with the height of real ones, so that nothing jumps when they come. */
export function TableSkeleton<Row extends object>({ table, columns, compact }: TableSkeletonProps<Row>) {
  const visible = new Set(table.getVisibleLeafColumns().map(({ id }) => id));
  const shown = compact ? columns.slice(0, 1) : columns.filter(({ id }) => visible.has(id));
  return (
    <div role="status" aria-label="Loading rows" className="overflow-hidden">
      {rows.map((row) => (
        <div
          key={row}
          style={{ height: compact ? compactRowHeight : rowHeight }}
          className="flex items-center border-border border-b pr-2 pl-3"
        >
          {shown.map((column, index) => (
            <div
              key={column.id}
              style={
                compact ? { flexGrow: 1 } : columnStyle(column, table.getColumn(column.id)?.getSize() ?? 80)
              }
              className="flex shrink-0 px-1.5"
            >
              <div
                style={{ width: widths[(row + index * 2) % widths.length] }}
                className={column.align === "right" ? "ml-auto" : undefined}
              >
                <Skeleton className="h-2.5" />
              </div>
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
