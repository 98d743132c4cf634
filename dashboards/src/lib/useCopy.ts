import { useEffect, useRef, useState } from "react";
import { writeClipboard } from "./clipboard";

/** Copies text and says so for a moment. */
export function useCopy(shownForMs = 1500) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<number | undefined>(undefined);

  // Stops the browser's timer when the button goes away.
  useEffect(() => () => window.clearTimeout(timer.current), []);

  async function copy(text: string) {
    if (!(await writeClipboard(text))) return;
    setCopied(true);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setCopied(false), shownForMs);
  }

  return { copied, copy };
}
