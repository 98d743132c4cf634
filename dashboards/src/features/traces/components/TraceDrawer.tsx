import { getRouteApi } from "@tanstack/react-router";
import { useTraceNavigation } from "../useTraceNavigation";
import { TraceView } from "./TraceView";

const tracesRoute = getRouteApi("/_signed-in/$orgSlug/$projectSlug/traces");

type TraceDrawerProps = { traceId: string; onClosed: () => void };

/** A trace over the list, which stays in use beside it: j and k move on, escape closes. */
export function TraceDrawer({ traceId, onClosed }: TraceDrawerProps) {
  const { observation, tab } = tracesRoute.useSearch();
  const { select, setTab } = useTraceNavigation();
  return (
    <aside
      aria-label="Trace"
      className="fixed inset-y-0 right-0 z-30 flex w-full animate-drawer flex-col border-border-strong bg-background shadow-popover md:w-[min(76rem,64vw)] md:border-l"
    >
      <TraceView
        key={traceId}
        traceId={traceId}
        selected={observation}
        tab={tab}
        onSelected={select}
        onTabChanged={setTab}
        onClosed={onClosed}
      />
    </aside>
  );
}
