import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronDown, Clock } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/core/Button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/core/Popover";
import { useProjectSearch } from "@/features/projects/useProject";
import {
  resolveTimeRange,
  searchOfTimeRange,
  type TimeRange,
  timePresets,
  timeRangeLabel,
  timeRangeOf,
} from "@/lib/time-range";
import { CustomRangeForm } from "./CustomRangeForm";

/** Presets and a range of one's own, both written to the URL. */
export function TimeRangePicker() {
  const range = timeRangeOf(useProjectSearch());
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const label = timeRangeLabel(range);

  function choose(next: TimeRange) {
    setOpen(false);
    void navigate({ to: ".", search: (search) => ({ ...search, ...searchOfTimeRange(next) }) });
  }

  return (
    <Popover open={open} onOpenChange={setOpen}>
      <PopoverTrigger asChild>
        <Button
          variant="secondary"
          aria-label={`Time range: ${label}`}
          title={absoluteLabel(range)}
          className="px-2 font-normal"
        >
          <Clock aria-hidden className="text-muted-foreground" />
          <span className="hidden tabular-nums sm:inline">{label}</span>
          <span className="sm:hidden">{range.kind === "preset" ? range.preset : "custom"}</span>
          <ChevronDown aria-hidden className="text-muted-foreground" />
        </Button>
      </PopoverTrigger>
      <PopoverContent
        align="end"
        className="flex w-auto flex-col gap-3 p-1.5 sm:flex-row"
        aria-label="Time range"
      >
        <ul className="flex w-full flex-col sm:w-40">
          {timePresets.map((preset) => {
            const chosen = range.kind === "preset" && range.preset === preset.value;
            return (
              <li key={preset.value}>
                <button
                  type="button"
                  aria-pressed={chosen}
                  onClick={() => choose({ kind: "preset", preset: preset.value })}
                  className="flex h-7.5 w-full items-center justify-between gap-2 rounded-sm px-2 text-left text-sm hover:bg-hover aria-pressed:font-medium"
                >
                  {preset.label}
                  {chosen ? <Check aria-hidden className="size-3.5 text-accent" /> : null}
                </button>
              </li>
            );
          })}
        </ul>
        <CustomRangeForm
          key={String(open)}
          initial={resolveTimeRange(range, Date.now())}
          onApplied={(from, to) => choose({ kind: "fixed", from, to })}
        />
      </PopoverContent>
    </Popover>
  );
}

function absoluteLabel(range: TimeRange): string {
  const { from, to } = resolveTimeRange(range, Date.now());
  return timeRangeLabel({ kind: "fixed", from, to });
}
