// biome-ignore-all lint/a11y/useSemanticElements: virtual rows are placed by transform, which table elements do not take
import type { MouseEvent, ReactNode } from "react";
import { cn } from "@/lib/cn";
import { columnStyle, columnsById } from "./column-style";
import type { TableColumn } from "./columns";
import type { DataTableModel } from "./useDataTable";

type DataTableRowProps<Row extends object> = {
  row: Row;
  index: number;
  top: number;
  height: number;
  table: DataTableModel<Row>;
  columns: readonly TableColumn<Row>[];
  compact?: (row: Row) => ReactNode;
  active: boolean;
  open: boolean;
  onOpened: (row: Row, index: number) => void;
};

/** One row. A click anywhere but on a control inside it opens the row; so does enter, through the table's keys. */
export function DataTableRow<RowData extends object>(props: DataTableRowProps<RowData>) {
  const { row, index, table, columns, compact, active, open } = props;
  const known = columnsById(columns);

  function onClicked(event: MouseEvent<HTMLElement>) {
    const control = event.target instanceof Element && event.target.closest("a,button");
    const selecting = (window.getSelection()?.toString() ?? "") !== "";
    if (!control && !selecting) props.onOpened(row, index);
  }

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j, k and enter work on the whole table, and the name is a link
    // biome-ignore lint/a11y/useFocusableInteractive: the link inside takes the focus
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-current={active || undefined}
      data-selected={open || undefined}
      onClick={onClicked}
      style={{ transform: `translateY(${props.top}px)`, height: props.height }}
      className={cn(
        "absolute inset-x-0 top-0 flex cursor-default items-center border-border border-b pr-2 pl-3 hover:bg-hover",
        active && "bg-hover shadow-[inset_2px_0_0_var(--accent)]",
        open && "bg-selected shadow-[inset_2px_0_0_var(--accent)] hover:bg-selected",
      )}
    >
      {compact ? (
        <div role="cell" className="min-w-0 flex-1">
          {compact(row)}
        </div>
      ) : (
        table.getVisibleLeafColumns().map((shown) => {
          const column = known.get(shown.id);
          if (!column) return null;
          return (
            <div
              key={shown.id}
              role="cell"
              style={columnStyle(column, shown.getSize())}
              className={cn(
                "flex h-full min-w-0 shrink-0 items-center overflow-hidden px-1.5",
                column.align === "right" && "justify-end text-right",
              )}
            >
              {column.render(row)}
            </div>
          );
        })
      )}
    </div>
  );
}
