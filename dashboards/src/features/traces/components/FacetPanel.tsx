import { Skeleton } from "@/components/core/Skeleton";
import type { Facets } from "@/lib/api/types";
import { chosenValues, toggleValue } from "../filter-language";
import { FacetGroup } from "./FacetGroup";

type FacetPanelProps = {
  facets: Facets | undefined;
  loading: boolean;
  filter: string;
  onFilterChanged: (filter: string) => void;
};

const titles: Record<string, string> = {
  status: "Status",
  environment: "Environment",
  model: "Model",
  name: "Name",
  user: "User",
};
const order = Object.keys(titles);

/** Frequent values to click on; they write the same filter that can be typed. */
export function FacetPanel({ facets, loading, filter, onFilterChanged }: FacetPanelProps) {
  const fields = (facets?.fields ?? [])
    .filter(({ field, values }) => titles[field] && values.some(({ value }) => value !== ""))
    .sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field));
  return (
    <nav
      aria-label="Facets"
      className="hidden w-48 shrink-0 flex-col gap-4 overflow-y-auto border-border border-r px-2 py-3 lg:flex"
    >
      {loading ? <FacetSkeleton /> : null}
      {fields.map(({ field, values }) => (
        <FacetGroup
          key={field}
          title={titles[field] ?? field}
          values={values.filter(({ value }) => value !== "")}
          chosen={chosenValues(filter, field)}
          onValueToggled={(value) => onFilterChanged(toggleValue(filter, field, value))}
        />
      ))}
      {!loading && fields.length === 0 ? (
        <p className="px-1.5 text-faint-foreground text-xs">No values in this range.</p>
      ) : null}
    </nav>
  );
}

const skeletonRows = ["status", "environment", "model", "name"];

function FacetSkeleton() {
  return skeletonRows.map((row) => (
    <div key={row} className="flex flex-col gap-2.5 px-1.5">
      <Skeleton className="h-2.5 w-16" />
      <Skeleton className="h-2.5 w-full" />
      <Skeleton className="h-2.5 w-full" />
      <Skeleton className="h-2.5 w-4/5" />
    </div>
  ));
}
