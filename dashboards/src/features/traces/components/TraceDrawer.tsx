export function TraceDrawer({ traceId }: { traceId: string; onClosed: () => void }) {
  return <aside>{traceId}</aside>;
}
