import { useState } from "react";

/** A small preference kept per browser, for what does not belong in a shared link. */
export function useStoredFlag(key: string, initial: boolean): [boolean, (value: boolean) => void] {
  const [value, setValue] = useState(() => readStored(key) ?? initial);
  function change(next: boolean) {
    setValue(next);
    try {
      localStorage.setItem(key, next ? "1" : "0");
    } catch {
      // Storage is blocked: the preference lasts as long as the page.
    }
  }
  return [value, change];
}

function readStored(key: string): boolean | undefined {
  try {
    const stored = localStorage.getItem(key);
    return stored === null ? undefined : stored === "1";
  } catch {
    return undefined;
  }
}
