import { ChevronsDownUp, ChevronsUpDown, CircleAlert, Funnel, Search } from "lucide-react";
import { Button } from "@/components/core/Button";
import { IconButton } from "@/components/core/IconButton";
import { Menu, MenuCheckboxItem, MenuContent, MenuTrigger } from "@/components/core/Menu";
import { ObservationTypeIcon } from "@/components/trace/ObservationTypeIcon";
import { observationType } from "@/components/trace/observation-types";
import type { TraceTree } from "@/components/trace/tree";
import { formatCompact, formatCount } from "@/lib/format/number";

type TreeToolbarProps = {
  text: string;
  types: ReadonlySet<string>;
  tree: TraceTree;
  allCollapsed: boolean;
  onTextChanged: (text: string) => void;
  onTypesChanged: (types: ReadonlySet<string>) => void;
  onCollapseToggled: () => void;
  onNextError: () => void;
};

export function TreeToolbar(props: TreeToolbarProps) {
  const { text, tree, allCollapsed, onTextChanged, onCollapseToggled, onNextError } = props;
  return (
    <div className="flex h-9 shrink-0 items-center gap-0.5 border-border border-b pr-1.5 pl-3">
      <Search aria-hidden className="size-3.5 shrink-0 text-faint-foreground" />
      <input
        type="search"
        aria-label="Find an observation"
        placeholder="Find by name, model or id"
        value={text}
        onChange={(event) => onTextChanged(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          onTextChanged("");
          event.currentTarget.blur();
        }}
        className="h-7 min-w-0 flex-1 bg-transparent px-1.5 text-xs placeholder:text-faint-foreground focus:outline-none"
      />
      {tree.errorCount > 0 ? (
        <Button
          variant="ghost"
          size="sm"
          onClick={onNextError}
          title="Go to the next error (E)"
          aria-label={`Go to the next of ${formatCount(tree.errorCount)} errors`}
          className="text-destructive hover:text-destructive"
        >
          <CircleAlert aria-hidden />
          <span className="tabular-nums">{formatCompact(tree.errorCount)}</span>
        </Button>
      ) : null}
      <TypeMenu {...props} />
      <IconButton label={allCollapsed ? "Open all" : "Close all"} size="icon-sm" onClick={onCollapseToggled}>
        {allCollapsed ? <ChevronsUpDown /> : <ChevronsDownUp />}
      </IconButton>
    </div>
  );
}

function TypeMenu({ tree, types, onTypesChanged }: TreeToolbarProps) {
  function toggle(type: string) {
    const next = new Set(types);
    if (!next.delete(type)) next.add(type);
    onTypesChanged(next);
  }
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button
          variant="ghost"
          size={types.size > 0 ? "sm" : "icon-sm"}
          title="Filter by type"
          aria-label="Filter by type"
          className={types.size > 0 ? "text-accent" : undefined}
        >
          <Funnel aria-hidden />
          {types.size > 0 ? types.size : null}
        </Button>
      </MenuTrigger>
      <MenuContent align="end">
        {tree.types.map(({ type, count }) => (
          <MenuCheckboxItem
            key={type}
            checked={types.has(type)}
            onCheckedChange={() => toggle(type)}
            onSelect={(event) => event.preventDefault()}
          >
            <ObservationTypeIcon type={type} />
            {observationType(type).label}
            <span className="ml-auto pl-4 text-faint-foreground text-xs tabular-nums">
              {formatCount(count)}
            </span>
          </MenuCheckboxItem>
        ))}
      </MenuContent>
    </Menu>
  );
}
