/** The first digits of an id, enough to recognise it in a list; the rest is in the tooltip and the clipboard. */
export function shortId(id: string, length = 8): string {
  return id.length > length + 1 ? id.slice(0, length) : id;
}
