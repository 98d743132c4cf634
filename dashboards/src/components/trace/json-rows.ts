/** A JSON value as rows, built only as deep as somebody has looked. */

export type JsonRow = {
  /** Such as `messages[0].content`; the root's is empty. */
  path: string;
  depth: number;
  /** The key or index in its parent; absent on the root. */
  name?: string;
  value: unknown;
  /** How many children, for an object or a list. */
  size?: number;
  open: boolean;
  /** Set on the row that stands for the children not shown. */
  hiddenCount?: number;
};

/** More children than this are shown a step at a time. */
export const childrenStep = 100;

export type JsonView = {
  /** Paths that differ from how they begin: open at the top, closed below. */
  toggled: ReadonlySet<string>;
  /** How many children of a path are shown, when more than a step. */
  shown: ReadonlyMap<string, number>;
};

const openDepth = 2;

export function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function jsonRows(value: unknown, view: JsonView): JsonRow[] {
  const rows: JsonRow[] = [];
  addRows(rows, value, { path: "", depth: 0 }, view);
  return rows;
}

function addRows(
  rows: JsonRow[],
  value: unknown,
  at: { path: string; depth: number; name?: string },
  view: JsonView,
): void {
  if (!isContainer(value)) {
    rows.push({ ...at, value, open: false });
    return;
  }
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(value);
  const open = entries.length > 0 && at.depth < openDepth !== view.toggled.has(at.path);
  rows.push({ ...at, value, size: entries.length, open });
  if (!open) return;
  const most = view.shown.get(at.path) ?? childrenStep;
  for (const [key, item] of entries.slice(0, most)) {
    addRows(rows, item, { path: childPath(at.path, key), depth: at.depth + 1, name: String(key) }, view);
  }
  if (entries.length > most) {
    const path = `${at.path}\u0000more`;
    rows.push({ path, depth: at.depth + 1, value: at.path, open: false, hiddenCount: entries.length - most });
  }
}

function childPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (/^[A-Za-z_$][\w$]*$/.test(key)) return path === "" ? key : `${path}.${key}`;
  return `${path}[${JSON.stringify(key)}]`;
}
