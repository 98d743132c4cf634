/** Which project this browser looked at last, so that `/` leads back to it. */

const key = "brokle.last-project";

export function lastProject(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function rememberProject(id: string): void {
  try {
    localStorage.setItem(key, id);
  } catch {
    // Storage is blocked: `/` then leads to the first project.
  }
}
