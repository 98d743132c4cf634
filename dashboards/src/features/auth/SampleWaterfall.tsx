import { cn } from "@/lib/cn";

type SampleRow = { name: string; depth: number; color: string; from: number; width: number; took: string };

const rows: SampleRow[] = [
  { name: "support_agent", depth: 0, color: "bg-obs-agent", from: 0, width: 100, took: "9.84 s" },
  { name: "moderate_input", depth: 1, color: "bg-obs-guardrail", from: 1, width: 2, took: "118 ms" },
  { name: "search_policies", depth: 1, color: "bg-obs-retrieval", from: 3, width: 5, took: "342 ms" },
  { name: "embed query", depth: 2, color: "bg-obs-embedding", from: 3.4, width: 1.6, took: "61 ms" },
  { name: "chat", depth: 1, color: "bg-obs-generation", from: 9, width: 26, took: "2.61 s" },
  { name: "get_order", depth: 1, color: "bg-obs-tool", from: 36, width: 2, took: "88 ms" },
  { name: "check_stock", depth: 1, color: "bg-obs-tool", from: 36, width: 20, took: "2.01 s" },
  { name: "chat", depth: 1, color: "bg-obs-generation", from: 56.5, width: 15, took: "1.49 s" },
  { name: "create_shipment", depth: 1, color: "bg-obs-tool", from: 72, width: 4.5, took: "431 ms" },
  { name: "chat", depth: 1, color: "bg-obs-generation", from: 77, width: 22, took: "2.59 s" },
];

/** Beside the form: what waits behind it. A picture, so screen readers pass it by. */
export function SampleWaterfall() {
  return (
    <aside
      aria-hidden
      className="hidden items-center justify-center border-border border-l bg-sunken p-10 lg:flex"
    >
      <figure className="w-full max-w-2xl">
        <div className="rounded-md border border-border bg-surface">
          <div className="flex items-baseline gap-6 border-border border-b px-4 py-3 text-xs tabular-nums">
            <span className="font-medium text-sm">support_agent</span>
            <span className="ml-auto text-muted-foreground">9.84 s</span>
            <span className="text-muted-foreground">7,483 tokens</span>
            <span className="text-muted-foreground">$0.0199</span>
          </div>
          <div className="py-1.5">
            {rows.map((row) => (
              <SampleSpan key={`${row.name}-${row.from}`} {...row} />
            ))}
          </div>
        </div>
        <figcaption className="mt-4 text-muted-foreground text-sm">
          Every model call, tool and retry of your application: timed, priced and one click apart.
        </figcaption>
      </figure>
    </aside>
  );
}

function SampleSpan({ name, depth, color, from, width, took }: SampleRow) {
  return (
    <div className="grid h-7 grid-cols-[11rem_1fr_4rem] items-center gap-3 px-4 text-xs">
      <span className="flex min-w-0 items-center gap-2" style={{ paddingLeft: `${depth * 14}px` }}>
        <span className={cn("size-2 shrink-0 rounded-sm", color)} />
        <span className="truncate">{name}</span>
      </span>
      <span className="relative h-2">
        <span
          className={cn("absolute inset-y-0 min-w-0.5 rounded-sm", color)}
          style={{ left: `${from}%`, width: `${width}%` }}
        />
      </span>
      <span className="text-right text-muted-foreground tabular-nums">{took}</span>
    </div>
  );
}
