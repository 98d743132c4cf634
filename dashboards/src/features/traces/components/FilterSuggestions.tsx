import { cn } from "@/lib/cn";
import { formatCompact } from "@/lib/format/number";
import type { Suggestion } from "../filter-suggestions";

type FilterSuggestionsProps = {
  id: string;
  items: Suggestion[];
  chosen: number;
  onSuggestionChosen: (suggestion: Suggestion) => void;
};

export function FilterSuggestions({ id, items, chosen, onSuggestionChosen }: FilterSuggestionsProps) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Suggestions"
      className="absolute top-full left-0 z-30 mt-1 max-h-80 w-80 max-w-full animate-in overflow-y-auto rounded-md border border-border-strong bg-popover p-1 shadow-popover"
    >
      {items.map((item, index) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus and names the option
        // biome-ignore lint/a11y/useKeyWithClickEvents: arrows and enter work in the field
        <div
          key={item.key}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          ref={index === chosen ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
          // Keeps the focus in the field, so that its blur does not close the list before the click.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onSuggestionChosen(item)}
          className={cn(
            "flex h-7 cursor-pointer items-center gap-3 rounded-sm px-2 hover:bg-hover",
            index === chosen && "bg-hover",
          )}
        >
          <span className="truncate font-mono text-xs">{item.label}</span>
          {item.hint ? <span className="truncate text-faint-foreground text-xs">{item.hint}</span> : null}
          {item.count === undefined ? null : (
            <span className="ml-auto text-faint-foreground text-xs tabular-nums">
              {formatCompact(item.count)}
            </span>
          )}
        </div>
      ))}
    </div>
  );
}
