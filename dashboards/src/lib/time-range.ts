/**
 * The time range of a page, as the URL holds it: a preset that moves with the clock (`?range=24h`), or two fixed
 * moments (`?from=...&to=...`).
 */
import * as z from "zod";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const timePresets = [
  { value: "15m", label: "Last 15 minutes", durationMs: 15 * minuteMs },
  { value: "1h", label: "Last hour", durationMs: hourMs },
  { value: "6h", label: "Last 6 hours", durationMs: 6 * hourMs },
  { value: "24h", label: "Last 24 hours", durationMs: dayMs },
  { value: "3d", label: "Last 3 days", durationMs: 3 * dayMs },
  { value: "7d", label: "Last 7 days", durationMs: 7 * dayMs },
  { value: "30d", label: "Last 30 days", durationMs: 30 * dayMs },
] as const;

export type TimePreset = (typeof timePresets)[number]["value"];
export const defaultPreset: TimePreset = "24h";

export type TimeRange = { kind: "preset"; preset: TimePreset } | { kind: "fixed"; from: string; to: string };

const moment = z.iso.datetime({ offset: true }).optional().catch(undefined);

/** The search parameters that every page of a project shares. What does not parse counts as absent. */
export const projectSearchSchema = z.object({
  range: z
    .enum(timePresets.map((preset) => preset.value))
    .optional()
    .catch(undefined),
  from: moment,
  to: moment,
  env: z.string().min(1).max(200).optional().catch(undefined),
});

export type ProjectSearch = z.infer<typeof projectSearchSchema>;

export function timeRangeOf(search: ProjectSearch): TimeRange {
  if (search.from && search.to && Date.parse(search.from) < Date.parse(search.to)) {
    return { kind: "fixed", from: search.from, to: search.to };
  }
  return { kind: "preset", preset: search.range ?? defaultPreset };
}

/** The search parameters that stand for a range; the default one leaves the URL clean. */
export function searchOfTimeRange(range: TimeRange): Pick<ProjectSearch, "range" | "from" | "to"> {
  if (range.kind === "fixed") return { range: undefined, from: range.from, to: range.to };
  return { range: range.preset === defaultPreset ? undefined : range.preset, from: undefined, to: undefined };
}

/** The two moments a range means at `nowMs`, as RFC 3339 for the API. */
export function resolveTimeRange(range: TimeRange, nowMs: number): { from: string; to: string } {
  if (range.kind === "fixed") return { from: range.from, to: range.to };
  return {
    from: new Date(nowMs - presetDurationMs(range.preset)).toISOString(),
    to: new Date(nowMs).toISOString(),
  };
}

export function timeRangeDurationMs(range: TimeRange): number {
  return range.kind === "fixed"
    ? Date.parse(range.to) - Date.parse(range.from)
    : presetDurationMs(range.preset);
}

export function presetDurationMs(value: TimePreset): number {
  return timePresets.find((preset) => preset.value === value)?.durationMs ?? dayMs;
}

const dayAndTime = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

export function timeRangeLabel(range: TimeRange): string {
  if (range.kind === "fixed") return dayAndTime.formatRange(new Date(range.from), new Date(range.to));
  return timePresets.find((preset) => preset.value === range.preset)?.label ?? range.preset;
}
