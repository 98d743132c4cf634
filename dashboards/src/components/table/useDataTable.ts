/** TanStack Table with the features a list here needs: choose, order and resize columns. Sorting and paging are the server's. */
import {
  columnOrderingFeature,
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  createColumnHelper,
  tableFeatures,
  type Updater,
  useTable,
} from "@tanstack/react-table";
import { useMemo } from "react";
import type { TableColumn } from "./columns";
import { type TablePreferences, useTablePreferences } from "./preferences";

const features = tableFeatures({
  columnOrderingFeature,
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
});

const defaultMinSize = 56;
const maxSize = 900;

export function useDataTable<Row extends object>(
  preferencesKey: string,
  columns: readonly TableColumn<Row>[],
  rows: Row[],
) {
  const { preferences, change, reset } = useTablePreferences(preferencesKey);
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return columns.map(({ id, label, size, minSize = defaultMinSize }) =>
      helper.display({ id, header: label, size, minSize, maxSize }),
    );
  }, [columns]);
  const hidden = useMemo(
    () => Object.fromEntries(columns.map((column) => [column.id, column.hidden !== true])),
    [columns],
  );
  const keep = <Key extends keyof TablePreferences>(key: Key, current: TablePreferences[Key]) => {
    return (updater: Updater<TablePreferences[Key]>) => {
      const next = typeof updater === "function" ? updater(current) : updater;
      change({ ...preferences, [key]: next });
    };
  };
  const visibility = { ...hidden, ...preferences.visibility };
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    columnResizeMode: "onChange",
    state: { columnVisibility: visibility, columnSizing: preferences.sizing, columnOrder: preferences.order },
    onColumnVisibilityChange: keep("visibility", visibility),
    onColumnSizingChange: keep("sizing", preferences.sizing),
    onColumnOrderChange: keep("order", preferences.order),
  });
  return { table, resetPreferences: reset };
}

export type DataTableModel<Row extends object> = ReturnType<typeof useDataTable<Row>>["table"];
