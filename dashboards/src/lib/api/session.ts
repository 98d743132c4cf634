/**
 * The signed-in session. The access token lives in this module's memory and nowhere else; the refresh token is a
 * cookie that scripts cannot read. A refresh token works once, so renewals are serialised across all tabs.
 */
import { ApiError, errorFromNetwork, errorFromResponse } from "./errors";
import { withLock } from "./lock";
import type { Session } from "./types";
import { afterUnfinished } from "./unfinished";

type SessionUser = Session["user"];
type HeldSession = { token: string; renewAtMs: number; user: SessionUser };

/** Renew this long before the token expires, so that no request starts with one that dies on the way. */
const renewBeforeExpiryMs = 30_000;
const timeoutMs = 15_000;
/** Tells a fresh page that asking for a renewal is worth it. Holds no secret. */
const hintKey = "brokle.signed-in";

let held: HeldSession | undefined;
let renewal: Promise<HeldSession | undefined> | undefined;
const endListeners = new Set<() => void>();
const tabs = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("brokle-session");
tabs?.addEventListener("message", (event) => {
  if (event.data === "signed-out") endSession({ tellTabs: false });
});

/** Takes over the tokens that sign-up, sign-in or renewal returned. */
export function adoptSession(session: Session): HeldSession {
  const lifeMs = session.expires_in * 1000;
  held = {
    token: session.access_token,
    renewAtMs: Date.now() + Math.max(lifeMs - renewBeforeExpiryMs, lifeMs / 2),
    user: session.user,
  };
  writeHint(true);
  return held;
}

/** The session, renewed first when it is missing or about to expire; undefined when signed out. */
export async function currentSession(): Promise<HeldSession | undefined> {
  if (held && Date.now() < held.renewAtMs) return held;
  return await renewSession();
}

/** Renews once, however many callers ask at the same time. Throws when the server cannot be reached or fails. */
export function renewSession(refusedToken?: string): Promise<HeldSession | undefined> {
  if (held && refusedToken !== undefined && held.token !== refusedToken) return Promise.resolve(held);
  renewal ??= withLock("brokle-refresh", requestRenewal).finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function requestRenewal(): Promise<HeldSession | undefined> {
  const response = await afterUnfinished(() => post("/api/v1/auth/refresh"));
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return adoptSession((body as { data: Session }).data);
  if (response.status === 401 || response.status === 400) {
    endSession({ tellTabs: false });
    return undefined;
  }
  throw errorFromResponse(response, body);
}

/** Signs out here and in every tab. Succeeds here even when the server cannot be told. */
export async function signOut(): Promise<void> {
  try {
    await post("/api/v1/auth/logout");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  endSession({ tellTabs: true });
}

/** `keepalive` lets the answer, and the new cookie with it, arrive even when the page is left meanwhile. */
async function post(path: string): Promise<Response> {
  try {
    return await fetch(new URL(path, window.location.origin), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      keepalive: true,
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw errorFromNetwork(cause);
  }
}

function endSession({ tellTabs }: { tellTabs: boolean }): void {
  const wasSignedIn = held !== undefined;
  held = undefined;
  writeHint(false);
  if (tellTabs) tabs?.postMessage("signed-out");
  if (wasSignedIn) for (const listener of endListeners) listener();
}

export function onSessionEnd(listener: () => void): () => void {
  endListeners.add(listener);
  return () => endListeners.delete(listener);
}

/** Whether this browser was signed in when last seen. A hint: only the server knows. */
export function maySignInSilently(): boolean {
  try {
    return held !== undefined || localStorage.getItem(hintKey) === "1";
  } catch {
    return true;
  }
}

function writeHint(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(hintKey, "1");
    else localStorage.removeItem(hintKey);
  } catch {
    // Storage is blocked: pages then ask the server each time.
  }
}
