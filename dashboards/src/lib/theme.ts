/** The theme a person chose. `public/theme.js` applies it before the first paint; this module changes it. */

export type ThemeChoice = "system" | "light" | "dark";

const key = "brokle.theme";
const listeners = new Set<() => void>();
const systemDark = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : undefined;
systemDark?.addEventListener("change", apply);

export function themeChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(key);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

export function chooseTheme(choice: ThemeChoice): void {
  try {
    localStorage.setItem(key, choice);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  apply(choice);
}

export function subscribeToTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(chosen?: unknown): void {
  const choice = chosen === "light" || chosen === "dark" || chosen === "system" ? chosen : themeChoice();
  const dark = choice === "dark" || (choice === "system" && systemDark?.matches === true);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const listener of listeners) listener();
}
