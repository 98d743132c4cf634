// biome-ignore-all lint/a11y/useFocusableInteractive: headings of a table that sorts on the server are not controls
// biome-ignore-all lint/a11y/useSemanticElements: virtual rows are placed by transform, which table elements do not take
import { cn } from "@/lib/cn";
import { columnStyle, columnsById } from "./column-style";
import type { TableColumn } from "./columns";
import type { DataTableModel } from "./useDataTable";

type DataTableHeaderProps<Row extends object> = {
  table: DataTableModel<Row>;
  columns: readonly TableColumn<Row>[];
};

/** The headings. Drag an edge to resize; double-click it for the width it had at first. */
export function DataTableHeader<Row extends object>({ table, columns }: DataTableHeaderProps<Row>) {
  const known = columnsById(columns);
  return (
    <div role="rowgroup" className="sticky top-0 z-10">
      {table.getHeaderGroups().map((group) => (
        <div
          key={group.id}
          role="row"
          aria-rowindex={1}
          className="flex h-8 items-stretch border-border border-b bg-background pr-2 pl-3"
        >
          {group.headers.map((header) => {
            const column = known.get(header.column.id);
            if (!column) return null;
            return (
              <div
                key={header.id}
                role="columnheader"
                style={columnStyle(column, header.getSize())}
                className={cn(
                  "group relative flex shrink-0 items-center px-1.5 text-muted-foreground text-xs",
                  column.align === "right" && "justify-end",
                )}
              >
                <span className="truncate">{column.label}</span>
                <span
                  aria-hidden
                  onMouseDown={header.getResizeHandler()}
                  onTouchStart={header.getResizeHandler()}
                  onDoubleClick={() => header.column.resetSize()}
                  data-resizing={header.column.getIsResizing() || undefined}
                  className="absolute inset-y-1.5 -right-1 z-10 w-2 cursor-col-resize touch-none select-none before:absolute before:inset-y-0 before:left-1/2 before:w-px before:bg-border-strong before:opacity-0 hover:before:opacity-100 group-hover:before:opacity-60 data-resizing:before:bg-accent data-resizing:before:opacity-100"
                />
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}
