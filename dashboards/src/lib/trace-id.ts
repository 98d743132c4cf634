/** Finds a trace id in what a person pasted: the bare id, a traceparent header, or a link to a trace. */
export function traceIdIn(text: string): string | undefined {
  const found = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/i.exec(text.trim());
  return found?.[0].toLowerCase();
}
