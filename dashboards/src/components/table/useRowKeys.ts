/** The keyboard of a list: j and k (or the arrows) move, enter opens, escape lets go. */
import { useHotkey } from "@/lib/useHotkey";

type RowKeys = {
  count: number;
  /** The row the keys act on, or -1. */
  active: number;
  onMoved: (index: number) => void;
  onOpened: (index: number) => void;
  onDismissed?: () => void;
};

export function useRowKeys({ count, active, onMoved, onOpened, onDismissed }: RowKeys): void {
  function move(by: number) {
    if (count === 0) return;
    const next = active < 0 ? (by > 0 ? 0 : count - 1) : active + by;
    onMoved(Math.min(count - 1, Math.max(0, next)));
  }
  useHotkey("j", () => move(1));
  useHotkey("k", () => move(-1));
  useHotkey("Enter", (event) => {
    const onControl =
      event.target instanceof HTMLElement && event.target.closest("a,button,[role=menuitem]") !== null;
    if (!onControl && active >= 0) onOpened(active);
  });
  useHotkey("Escape", () => onDismissed?.());
}
