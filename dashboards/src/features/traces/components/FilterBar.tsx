import { ListFilter, X } from "lucide-react";
import { useId, useRef, useState } from "react";
import { IconButton } from "@/components/core/IconButton";
import { Kbd } from "@/components/core/Kbd";
import type { Facets } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useHotkey } from "@/lib/useHotkey";
import type { FilterProblem } from "../filter-problem";
import { applySuggestion, type Suggestion, suggest } from "../filter-suggestions";
import { FilterHighlight } from "./FilterHighlight";
import { FilterSuggestions } from "./FilterSuggestions";

type FilterBarProps = {
  /** The filter in force. */
  value: string;
  facets: Facets | undefined;
  problem: FilterProblem | undefined;
  onFilterChanged: (filter: string) => void;
};

/** The query language, typed: coloured, completed, and applied with enter. Mount it anew when the filter changes elsewhere. */
export function FilterBar({ value, facets, problem, onFilterChanged }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [scrolledPixels, setScrolledPixels] = useState(0);
  const { span, items } = suggest(text, caret, facets);
  const showing = open && items.length > 0;
  useHotkey("/", () => input.current?.focus());

  function apply(next: string) {
    setOpen(false);
    setChosen(-1);
    onFilterChanged(next);
  }

  function take(suggestion: Suggestion) {
    const next = applySuggestion(text, span, suggestion);
    setText(next.text);
    setCaret(next.caret);
    setChosen(-1);
    // After the new text is in the field: moves the browser's caret behind what was inserted.
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.caret, next.caret);
    });
  }

  function onKeyDown(event: React.KeyboardEvent<HTMLInputElement>) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const by = event.key === "ArrowDown" ? 1 : -1;
      setChosen((current) =>
        items.length === 0
          ? -1
          : (current + by + items.length + (current < 0 && by < 0 ? 1 : 0)) % items.length,
      );
      return;
    }
    const suggestion = showing ? items[Math.max(chosen, event.key === "Tab" ? 0 : -1)] : undefined;
    if (
      (event.key === "Tab" && showing && !event.shiftKey && text !== "") ||
      (event.key === "Enter" && suggestion)
    ) {
      event.preventDefault();
      if (suggestion) take(suggestion);
    } else if (event.key === "Enter") {
      apply(text);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (showing) setOpen(false);
      else input.current?.blur();
    }
  }

  return (
    <div className="relative min-w-0 flex-1">
      <div
        className={cn(
          "flex h-8 items-center rounded-md border border-input bg-surface pl-2 focus-within:border-ring hover:border-border-strong",
          problem && "border-destructive focus-within:border-destructive hover:border-destructive",
        )}
      >
        <ListFilter aria-hidden className="size-3.5 shrink-0 text-faint-foreground" />
        <div className="relative h-full min-w-0 flex-1 font-mono text-xs">
          <FilterHighlight
            text={text}
            problem={text === value ? problem : undefined}
            scrolledPixels={scrolledPixels}
          />
          <input
            ref={input}
            value={text}
            role="combobox"
            aria-label="Filter traces"
            aria-expanded={showing}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={showing && chosen >= 0 ? `${listId}-${chosen}` : undefined}
            aria-invalid={problem ? true : undefined}
            aria-describedby={problem ? `${listId}-problem` : undefined}
            placeholder="status:error model:gpt-4o duration:>1s"
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            className="relative h-full w-full bg-transparent px-2 text-transparent caret-foreground placeholder:text-faint-foreground focus:outline-none"
            onChange={(event) => {
              setText(event.target.value);
              setCaret(event.target.selectionStart ?? event.target.value.length);
              setOpen(true);
              setChosen(-1);
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
            onScroll={(event) => setScrolledPixels(event.currentTarget.scrollLeft)}
            onFocus={() => setOpen(true)}
            onBlur={() => setOpen(false)}
            onKeyDown={onKeyDown}
          />
        </div>
        {text === "" ? (
          <span className="mr-2 hidden sm:inline">
            <Kbd>/</Kbd>
          </span>
        ) : (
          <IconButton
            label="Clear"
            size="icon-sm"
            className="mr-0.5"
            onClick={() => {
              setText("");
              apply("");
            }}
          >
            <X />
          </IconButton>
        )}
      </div>
      {showing ? (
        <FilterSuggestions id={listId} items={items} chosen={chosen} onSuggestionChosen={take} />
      ) : null}
      {problem && !showing ? (
        <p id={`${listId}-problem`} role="alert" className="mt-1 px-1 text-destructive text-xs">
          {problem.message}
        </p>
      ) : null}
    </div>
  );
}
