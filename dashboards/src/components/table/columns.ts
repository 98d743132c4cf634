/** What a column of a DataTable is: data, so that a list of them reads like the table. */
import type { ReactNode } from "react";

export type TableColumn<Row> = {
  id: string;
  /** The heading; also its name in the column picker. */
  label: string;
  /** Pixels at first; a person may change it. */
  size: number;
  minSize?: number;
  /** Takes a share of the room that is left. */
  grow?: boolean;
  align?: "right";
  /** Not shown until a person asks for it. */
  hidden?: boolean;
  render: (row: Row) => ReactNode;
};
