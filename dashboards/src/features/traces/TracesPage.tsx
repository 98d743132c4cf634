import { useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { DataTable } from "@/components/table/DataTable";
import { useDataTable } from "@/components/table/useDataTable";
import { useRowKeys } from "@/components/table/useRowKeys";
import { currentUserQuery } from "@/features/auth/queries";
import type { Trace } from "@/lib/api/types";
import { useMediaQuery } from "@/lib/useMediaQuery";
import { traceColumns } from "./columns";
import { FacetPanel } from "./components/FacetPanel";
import { NewTraces } from "./components/NewTraces";
import { TraceCompactRow } from "./components/TraceCompactRow";
import { TraceDrawer } from "./components/TraceDrawer";
import { TraceListFace } from "./components/TraceListFace";
import { TraceListFooter } from "./components/TraceListFooter";
import { TracesHistogram } from "./components/TracesHistogram";
import { TracesToolbar } from "./components/TracesToolbar";
import { filterProblem } from "./filter-problem";
import { useTraceList } from "./useTraceList";
import { useTraceNavigation } from "./useTraceNavigation";

const tracesRoute = getRouteApi("/_signed-in/$orgSlug/$projectSlug/traces");
const traceId = (trace: Trace) => trace.trace_id;

export function TracesPage() {
  const { filter = "", peek, live = false } = tracesRoute.useSearch();
  const { data: person } = useSuspenseQuery(currentUserQuery);
  const traceList = useTraceList();
  const { list, histogram, facets, traces, question, refresh, loadMore } = traceList;
  const navigation = useTraceNavigation();
  const narrow = useMediaQuery("(max-width: 640px)");
  const problem = filterProblem(list.error, filter);

  const maxMs = useMemo(() => traces.reduce((max, trace) => Math.max(max, trace.duration_ms), 0), [traces]);
  const columns = useMemo(() => traceColumns(maxMs), [maxMs]);
  const { table, resetPreferences } = useDataTable(`brokle.traces.columns.${person.id}`, columns, traces);

  const [keyboardId, setKeyboardId] = useState<string>();
  const activeId = peek ?? keyboardId;
  const activeIndex = activeId ? traces.findIndex((trace) => trace.trace_id === activeId) : -1;
  useRowKeys({
    count: traces.length,
    active: activeIndex,
    onMoved: (index) => {
      setKeyboardId(traces[index]?.trace_id);
      if (peek) navigation.peek(traces[index]?.trace_id, { replace: true });
    },
    onOpened: (index) => navigation.peek(traces[index]?.trace_id),
    onDismissed: () => (peek ? navigation.peek(undefined) : setKeyboardId(undefined)),
  });

  const empty = list.isError ? traces.length === 0 || problem !== undefined : traces.length === 0;
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Traces</h1>
      <TracesToolbar
        filter={filter}
        facets={facets.data}
        problem={problem}
        live={live}
        refreshing={list.isFetching}
        table={narrow ? undefined : table}
        onColumnsReset={resetPreferences}
        onRefreshed={refresh}
      />
      <div className="flex min-h-0 flex-1">
        {/* With the drawer open, its room shows the list instead. */}
        {peek ? null : (
          <FacetPanel
            facets={facets.data}
            loading={facets.isPending}
            filter={filter}
            onFilterChanged={navigation.setFilter}
          />
        )}
        <div className="relative flex min-w-0 flex-1 flex-col">
          <TracesHistogram
            question={question}
            histogram={histogram}
            unreadable={problem !== undefined}
            onBrushed={navigation.zoomTo}
          />
          <div className="relative flex min-h-0 flex-1 flex-col">
            {live && list.isSuccess ? (
              <NewTraces question={question} traces={traces} onShown={refresh} />
            ) : null}
            <DataTable
              label="Traces"
              table={table}
              columns={columns}
              rows={traces}
              rowId={traceId}
              activeIndex={activeIndex}
              openId={peek}
              onRowOpened={(trace) => {
                setKeyboardId(trace.trace_id);
                navigation.peek(trace.trace_id);
              }}
              loading={list.isPending}
              stale={list.isPlaceholderData}
              face={
                empty ? <TraceListFace traceList={traceList} filter={filter} problem={problem} /> : undefined
              }
              onEndReached={loadMore}
              footer={<TraceListFooter list={list} count={traces.length} />}
              compact={narrow ? (trace) => <TraceCompactRow trace={trace} /> : undefined}
            />
          </div>
        </div>
      </div>
      {peek ? <TraceDrawer traceId={peek} onClosed={() => navigation.peek(undefined)} /> : null}
    </div>
  );
}
