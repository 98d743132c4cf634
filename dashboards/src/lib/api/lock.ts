/**
 * One holder at a time across the tabs of this browser. `navigator.locks` exists only on https and localhost, so a
 * plain http deployment falls back to a lease in local storage: weaker, but two tabs seldom renew in the same moment.
 */

const leaseMs = 8_000;
const pollMs = 50;

export async function withLock<Result>(name: string, action: () => Promise<Result>): Promise<Result> {
  if (navigator.locks) return await navigator.locks.request(name, action);
  const key = `brokle.lock.${name}`;
  const holder = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  await takeLease(key, holder);
  try {
    return await action();
  } finally {
    if (readLease(key)?.holder === holder) localStorage.removeItem(key);
  }
}

async function takeLease(key: string, holder: string): Promise<void> {
  const givenUpAt = Date.now() + leaseMs;
  while (Date.now() < givenUpAt) {
    const lease = readLease(key);
    if (lease?.holder === holder) return;
    if (!lease || lease.until < Date.now()) {
      localStorage.setItem(key, JSON.stringify({ holder, until: Date.now() + leaseMs }));
    }
    // A competitor that wrote at the same time has overwritten the lease by the next look.
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function readLease(key: string): { holder: string; until: number } | undefined {
  try {
    const lease: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (typeof lease !== "object" || lease === null) return undefined;
    const { holder, until } = lease as { holder?: unknown; until?: unknown };
    return typeof holder === "string" && typeof until === "number" ? { holder, until } : undefined;
  } catch {
    return undefined;
  }
}
