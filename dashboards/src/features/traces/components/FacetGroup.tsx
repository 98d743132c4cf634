import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { Checkbox } from "@/components/core/Checkbox";
import { cn } from "@/lib/cn";
import { formatCompact, formatCount } from "@/lib/format/number";
import { useStoredFlag } from "@/lib/storage";

type FacetGroupProps = {
  title: string;
  values: { value: string; count: number }[];
  chosen: ReadonlySet<string>;
  onValueToggled: (value: string) => void;
};

const shownAtFirst = 6;

export function FacetGroup({ title, values, chosen, onValueToggled }: FacetGroupProps) {
  const [open, setOpen] = useStoredFlag(`brokle.facet.${title}`, true);
  const [all, setAll] = useState(false);
  const most = Math.max(1, ...values.map(({ count }) => count));
  const shown = values.filter(({ value }, index) => all || index < shownAtFirst || chosen.has(value));
  return (
    <fieldset className="min-w-0">
      <legend className="contents">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="mb-0.5 flex h-6 w-full items-center gap-1 rounded-sm px-1.5 text-muted-foreground text-xs hover:text-foreground"
        >
          {title}
          <ChevronDown aria-hidden className={cn("ml-auto size-3", !open && "-rotate-90")} />
        </button>
      </legend>
      {open ? (
        <div className="flex flex-col">
          {shown.map(({ value, count }) => (
            // biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is Radix's button, which a label can hold
            <label
              key={value}
              title={`${value}: ${formatCount(count)}`}
              className="relative flex h-6.5 cursor-pointer items-center gap-2 rounded-sm px-1.5 text-xs hover:text-accent"
            >
              <span
                aria-hidden
                style={{ width: `${(count / most) * 100}%` }}
                className="absolute inset-y-[3px] left-0 rounded-sm bg-hover"
              />
              <Checkbox
                aria-label={value}
                checked={chosen.has(value)}
                onCheckedChange={() => onValueToggled(value)}
                className="relative size-3.5"
              />
              <span className="relative min-w-0 flex-1 truncate">{value}</span>
              <span className="relative text-muted-foreground tabular-nums">{formatCompact(count)}</span>
            </label>
          ))}
          {values.length > shown.length || all ? (
            <button
              type="button"
              onClick={() => setAll(!all)}
              className="mt-0.5 self-start rounded-sm px-1.5 text-faint-foreground text-xs hover:text-foreground"
            >
              {all ? "Fewer" : `${values.length - shown.length} more`}
            </button>
          ) : null}
        </div>
      ) : null}
    </fieldset>
  );
}
