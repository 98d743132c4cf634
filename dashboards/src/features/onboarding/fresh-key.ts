/**
 * The key made a moment ago, so that the examples can hold it. In memory only: it is gone with the page, as promised
 * when it was shown.
 */
import { useSyncExternalStore } from "react";

type FreshKey = { projectId: string; key: string };

let fresh: FreshKey | undefined;
const listeners = new Set<() => void>();

export function keepFreshKey(projectId: string, key: string): void {
  publish({ projectId, key });
}

export function forgetFreshKey(): void {
  publish(undefined);
}

export function useFreshKey(projectId: string): string | undefined {
  const current = useSyncExternalStore(subscribe, () => fresh);
  return current?.projectId === projectId ? current.key : undefined;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function publish(next: FreshKey | undefined): void {
  fresh = next;
  for (const listener of listeners) listener();
}
