import { useEffect, useEffectEvent } from "react";

/**
 * Calls back when a key is pressed anywhere: `"mod+k"` (ctrl, or cmd on a Mac), `"/"`, `"Escape"`. Keys without a
 * modifier stay with the field a person types in.
 */
export function useHotkey(combination: string, onPressed: (event: KeyboardEvent) => void): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (!matches(combination, event) || event.defaultPrevented) return;
    event.preventDefault();
    onPressed(event);
  });

  // Listens to the window's keyboard.
  useEffect(() => {
    const listener = (event: KeyboardEvent) => handle(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}

function matches(combination: string, event: KeyboardEvent): boolean {
  const [key, modifier] = combination.split("+").reverse();
  const pressed = event.ctrlKey || event.metaKey;
  if (modifier === "mod") return pressed && !event.altKey && event.key.toLowerCase() === key;
  return !pressed && !event.altKey && event.key === key && !isTyping(event.target);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
