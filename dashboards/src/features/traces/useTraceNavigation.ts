/** Writes the list's state to the URL. */
import { useNavigate } from "@tanstack/react-router";
import { searchOfTimeRange } from "@/lib/time-range";
import type { ObservationTab } from "./search-params";

export function useTraceNavigation() {
  const navigate = useNavigate();
  return {
    setFilter: (filter: string) =>
      void navigate({ to: ".", search: (search) => ({ ...search, filter: filter.trim() || undefined }) }),
    setLive: (live: boolean) =>
      void navigate({ to: ".", search: (search) => ({ ...search, live: live || undefined }), replace: true }),
    zoomTo: (startMs: number, endMs: number) => {
      const from = new Date(startMs).toISOString();
      const to = new Date(endMs).toISOString();
      const range = searchOfTimeRange({ kind: "fixed", from, to });
      void navigate({ to: ".", search: (search) => ({ ...search, ...range }) });
    },
    widen: () =>
      void navigate({
        to: ".",
        search: (search) => ({ ...search, ...searchOfTimeRange({ kind: "preset", preset: "30d" }) }),
      }),
    /** Opens the drawer, moves it to another trace, or closes it. Moving replaces: back leads out, not through. */
    peek: (traceId: string | undefined, options: { replace?: boolean } = {}) =>
      void navigate({
        to: ".",
        search: (search) => ({ ...search, peek: traceId, observation: undefined, tab: undefined }),
        replace: options.replace,
      }),
    select: (observation: string | undefined) =>
      void navigate({ to: ".", search: (search) => ({ ...search, observation }), replace: true }),
    setTab: (tab: ObservationTab) =>
      void navigate({ to: ".", search: (search) => ({ ...search, tab }), replace: true }),
  };
}
