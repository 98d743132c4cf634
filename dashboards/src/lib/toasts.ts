/** Short announcements, kept outside React so that a mutation or a handler anywhere can make one. */

export type Toast = { id: number; title: string; text?: string; tone: "info" | "error" };

const shownAtMost = 4;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

export function showToast(title: string, options: { text?: string; tone?: Toast["tone"] } = {}): void {
  lastId += 1;
  publish(
    [...toasts, { id: lastId, title, text: options.text, tone: options.tone ?? "info" }].slice(-shownAtMost),
  );
}

export function dismissToast(id: number): void {
  publish(toasts.filter((toast) => toast.id !== id));
}

export function getToasts(): readonly Toast[] {
  return toasts;
}

export function subscribeToToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function publish(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}
