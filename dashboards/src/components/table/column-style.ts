import type { CSSProperties } from "react";
import type { TableColumn } from "./columns";

/** The width of a cell and of its heading, one truth for both. A growing column takes what is left over. */
export function columnStyle<Row>(column: TableColumn<Row>, size: number): CSSProperties {
  return { width: size, flexGrow: column.grow ? 1 : 0 };
}

export function columnsById<Row>(columns: readonly TableColumn<Row>[]): Map<string, TableColumn<Row>> {
  return new Map(columns.map((column) => [column.id, column]));
}
