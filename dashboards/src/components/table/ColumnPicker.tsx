import { Check, Columns3 } from "lucide-react";
import { Button } from "@/components/core/Button";
import { Menu, MenuContent, MenuItem, MenuLabel, MenuSeparator, MenuTrigger } from "@/components/core/Menu";
import { cn } from "@/lib/cn";
import type { DataTableModel } from "./useDataTable";

type ColumnPickerProps<Row extends object> = { table: DataTableModel<Row>; onReset: () => void };

/** Which columns are shown. The choice is kept for this person; the menu stays open for several. */
export function ColumnPicker<Row extends object>({ table, onReset }: ColumnPickerProps<Row>) {
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" aria-label="Columns" className="px-2">
          <Columns3 aria-hidden />
          <span className="hidden xl:inline">Columns</span>
        </Button>
      </MenuTrigger>
      <MenuContent align="end">
        <MenuLabel>Columns</MenuLabel>
        {table.getAllLeafColumns().map((column) => (
          <MenuItem
            key={column.id}
            role="menuitemcheckbox"
            aria-checked={column.getIsVisible()}
            onSelect={(event) => {
              event.preventDefault();
              column.toggleVisibility();
            }}
          >
            <Check aria-hidden className={cn(!column.getIsVisible() && "invisible")} />
            {String(column.columnDef.header)}
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem onSelect={onReset}>Reset columns and widths</MenuItem>
      </MenuContent>
    </Menu>
  );
}
