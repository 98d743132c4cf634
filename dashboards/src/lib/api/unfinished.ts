/**
 * A renewal that a page began and did not live to see answered: a reload in the wrong moment. Its answer still reaches
 * the browser and changes the cookie, but until then the cookie holds a token that is used up, and using it again
 * would end the session. So the next page waits a little when it finds the mark of one.
 */

const markKey = "brokle.renewal-began";
const answeredWithinMs = 1_500;

/** Waits for an unfinished one, then sends. A request that fails may be one that a leaving page gave up, so its mark stays. */
export async function afterUnfinished(send: () => Promise<Response>): Promise<Response> {
  const waitMs = remainingWaitMs(readMark(), Date.now());
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  writeMark(String(Date.now()));
  const response = await send();
  writeMark(null);
  return response;
}

/** How long an unfinished renewal that began at `beganMs` may still be on its way. */
export function remainingWaitMs(beganMs: number | undefined, nowMs: number): number {
  if (beganMs === undefined || beganMs > nowMs) return 0;
  return Math.max(0, beganMs + answeredWithinMs - nowMs);
}

function readMark(): number | undefined {
  try {
    const mark = Number(localStorage.getItem(markKey) ?? Number.NaN);
    return Number.isNaN(mark) ? undefined : mark;
  } catch {
    return undefined;
  }
}

function writeMark(value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(markKey);
    else localStorage.setItem(markKey, value);
  } catch {
    // Storage is blocked: a reload in the wrong moment then costs a sign-in.
  }
}
