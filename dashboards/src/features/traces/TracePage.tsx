import { getRouteApi } from "@tanstack/react-router";
import { TraceView } from "./components/TraceView";
import { useTraceNavigation } from "./useTraceNavigation";

const traceRoute = getRouteApi("/_signed-in/$orgSlug/$projectSlug/traces/$traceId");

export function TracePage() {
  const { traceId } = traceRoute.useParams();
  const { observation, tab } = traceRoute.useSearch();
  const { select, setTab } = useTraceNavigation();
  return (
    <TraceView
      key={traceId}
      traceId={traceId}
      selected={observation}
      tab={tab}
      onSelected={select}
      onTabChanged={setTab}
    />
  );
}
