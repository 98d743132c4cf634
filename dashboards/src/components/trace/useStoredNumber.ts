import { useState } from "react";

/** A size a person chose, kept per browser. */
export function useStoredNumber(key: string, initial: number): [number, (value: number) => void] {
  const [value, setValue] = useState(() => read(key) ?? initial);
  function change(next: number) {
    setValue(next);
    try {
      localStorage.setItem(key, String(next));
    } catch {
      // Storage is blocked: the size lasts as long as the page.
    }
  }
  return [value, change];
}

function read(key: string): number | undefined {
  try {
    const stored = Number(localStorage.getItem(key) ?? Number.NaN);
    return Number.isFinite(stored) ? stored : undefined;
  } catch {
    return undefined;
  }
}
