/**
 * The observations of a trace as a tree, flat: an array in the order of the rows, each node knowing its depth and where
 * its subtree ends. Building, collapsing and searching are each one pass, so that 50,000 observations stay smooth.
 */
import type { Observation } from "@/lib/api/types";
import { preciseMs } from "@/lib/format/time";

export type TreeNode = {
  id: string;
  observation: Observation;
  depth: number;
  /** The place in the array. */
  index: number;
  /** The parent's place, or -1. */
  parent: number;
  /** The place after the last descendant. */
  end: number;
  childCount: number;
  /** From the beginning of the trace. */
  startMs: number;
  durationMs: number;
  failed: boolean;
  /** Failed observations among the descendants. */
  errorsBelow: number;
  /** Names a parent that has not arrived, or never will. */
  orphan: boolean;
};

export type TraceTree = {
  nodes: TreeNode[];
  byId: Map<string, TreeNode>;
  /** From the first start to the last end. */
  durationMs: number;
  startMs: number;
  /** False while the observation that begins the trace is missing. */
  hasRoot: boolean;
  errorCount: number;
  /** How many there are of each type, frequent ones first. */
  types: { type: string; count: number }[];
};

export function isFailed(observation: Pick<Observation, "status" | "level">): boolean {
  return observation.status === "error" || observation.level.toLowerCase() === "error";
}

export function buildTree(observations: readonly Observation[]): TraceTree {
  const unique = new Map(observations.map((observation) => [observation.observation_id, observation]));
  const starts = new Map<string, number>();
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  for (const [id, observation] of unique) {
    const start = preciseMs(observation.start_time);
    starts.set(id, start);
    startMs = Math.min(startMs, start);
    endMs = Math.max(endMs, start + observation.duration_ms);
  }
  const origin = unique.size === 0 ? 0 : startMs;
  const children = groupByParent(unique, starts);
  const nodes: TreeNode[] = [];
  const byId = new Map<string, TreeNode>();
  const place = (id: string) => placeSubtree(id, { unique, children, starts, origin, nodes, byId });
  for (const id of children.get(undefined) ?? []) place(id);
  // What is left hangs in a circle of parents: broken, but not to be hidden.
  for (const id of unique.keys()) if (!byId.has(id)) place(id);
  addUp(nodes);
  return {
    nodes,
    byId,
    startMs: origin,
    durationMs: unique.size === 0 ? 0 : endMs - startMs,
    hasRoot: nodes.some(({ depth, orphan }) => depth === 0 && !orphan),
    errorCount: nodes.reduce((count, { failed }) => count + (failed ? 1 : 0), 0),
    types: countTypes(nodes),
  };
}

/** Children in the order in which they began; under `undefined` what has no parent here. */
function groupByParent(unique: ReadonlyMap<string, Observation>, starts: ReadonlyMap<string, number>) {
  const children = new Map<string | undefined, string[]>();
  const sorted = [...unique.values()].sort(
    (a, b) => (starts.get(a.observation_id) ?? 0) - (starts.get(b.observation_id) ?? 0),
  );
  for (const { observation_id, parent_observation_id } of sorted) {
    const parent = parent_observation_id ?? undefined;
    const known =
      parent !== undefined && parent !== observation_id && unique.has(parent) ? parent : undefined;
    const siblings = children.get(known);
    if (siblings) siblings.push(observation_id);
    else children.set(known, [observation_id]);
  }
  return children;
}

type Placing = {
  unique: ReadonlyMap<string, Observation>;
  children: ReadonlyMap<string | undefined, string[]>;
  starts: ReadonlyMap<string, number>;
  origin: number;
  nodes: TreeNode[];
  byId: Map<string, TreeNode>;
};

/** Depth first without recursion: a chain of thousands must not overflow the stack. */
function placeSubtree(rootId: string, placing: Placing): void {
  const { unique, children, starts, origin, nodes, byId } = placing;
  const waiting: { id: string; parent: number; depth: number }[] = [{ id: rootId, parent: -1, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const observation = unique.get(next.id);
    if (!observation || byId.has(next.id)) continue;
    const own = children.get(next.id) ?? [];
    const node: TreeNode = {
      id: next.id,
      observation,
      depth: next.depth,
      index: nodes.length,
      parent: next.parent,
      end: nodes.length + 1,
      childCount: own.length,
      startMs: (starts.get(next.id) ?? origin) - origin,
      durationMs: observation.duration_ms,
      failed: isFailed(observation),
      errorsBelow: 0,
      orphan: next.depth === 0 && Boolean(observation.parent_observation_id),
    };
    nodes.push(node);
    byId.set(next.id, node);
    for (let index = own.length - 1; index >= 0; index -= 1) {
      waiting.push({ id: own[index] ?? "", parent: node.index, depth: next.depth + 1 });
    }
  }
}

/** From the last row up: a node's end and errors are known before its parent asks for them. */
function addUp(nodes: TreeNode[]): void {
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const node = nodes[index];
    const parent = node && nodes[node.parent];
    if (!node || !parent) continue;
    parent.end = Math.max(parent.end, node.end);
    parent.errorsBelow += node.errorsBelow + (node.failed ? 1 : 0);
  }
}

function countTypes(nodes: readonly TreeNode[]) {
  const counts = new Map<string, number>();
  for (const { observation } of nodes) counts.set(observation.type, (counts.get(observation.type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count);
}

export type TreeQuestion = {
  collapsed: ReadonlySet<string>;
  /** Words to find in names, models and ids. */
  text: string;
  /** Types to show, or none for all. */
  types: ReadonlySet<string>;
};

export type TreeRow = {
  node: TreeNode;
  /** False for a parent that is only shown to hold what was found. */
  hit: boolean;
};

/** The rows in sight: everything not inside something collapsed or, while searching, what was found and its parents. */
export function visibleRows(tree: TraceTree, question: TreeQuestion): TreeRow[] {
  const searching = question.text.trim() !== "" || question.types.size > 0;
  const found = searching ? findNodes(tree, question) : undefined;
  const rows: TreeRow[] = [];
  let index = 0;
  while (index < tree.nodes.length) {
    const node = tree.nodes[index];
    if (!node) break;
    const mark = found ? found[index] : 2;
    if (mark) rows.push({ node, hit: mark === 2 });
    // A search opens what is collapsed: what it found has to be seen.
    index = !found && question.collapsed.has(node.id) ? node.end : index + 1;
  }
  return rows;
}

/** 2 for a hit, 1 for a parent of one. */
function findNodes(tree: TraceTree, { text, types }: TreeQuestion): Uint8Array {
  const wanted = text.trim().toLowerCase();
  const marks = new Uint8Array(tree.nodes.length);
  for (const node of tree.nodes) {
    if (!matches(node, wanted, types)) continue;
    marks[node.index] = 2;
    for (let at = node.parent; at >= 0 && marks[at] === 0; at = tree.nodes[at]?.parent ?? -1) marks[at] = 1;
  }
  return marks;
}

function matches({ observation, id }: TreeNode, wanted: string, types: ReadonlySet<string>): boolean {
  if (types.size > 0 && !types.has(observation.type)) return false;
  if (wanted === "") return true;
  return (
    observation.name.toLowerCase().includes(wanted) ||
    (observation.model ?? "").toLowerCase().includes(wanted) ||
    id.startsWith(wanted)
  );
}

/** The next failed observation after the selected one, and from the top again after the last. */
export function nextError(tree: TraceTree, selectedId: string | undefined): TreeNode | undefined {
  const from = selectedId ? (tree.byId.get(selectedId)?.index ?? -1) : -1;
  return (
    tree.nodes.find(({ index, failed }) => failed && index > from) ?? tree.nodes.find(({ failed }) => failed)
  );
}

/** Everything above a node, for opening the way to it. */
export function ancestorIds(tree: TraceTree, id: string): string[] {
  const ids: string[] = [];
  let at = tree.byId.get(id)?.parent ?? -1;
  while (at >= 0) {
    const node = tree.nodes[at];
    if (!node) break;
    ids.push(node.id);
    at = node.parent;
  }
  return ids;
}
