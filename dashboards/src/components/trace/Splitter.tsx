import type { KeyboardEvent, PointerEvent, RefObject } from "react";

type SplitterProps = {
  label: string;
  /** The share of the left pane. */
  percent: number;
  least: number;
  most: number;
  /** What the share is of. */
  frame: RefObject<HTMLElement | null>;
  onMoved: (percent: number) => void;
};

const keyStep = 3;

/** The line between two panes, to be dragged or moved with the arrows. */
export function Splitter({ label, percent, least, most, frame, onMoved }: SplitterProps) {
  const move = (to: number) => onMoved(Math.min(most, Math.max(least, Math.round(to * 10) / 10)));

  function onPointerMove(event: PointerEvent<HTMLElement>) {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !frame.current) return;
    const { left, width } = frame.current.getBoundingClientRect();
    if (width > 0) move(((event.clientX - left) / width) * 100);
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const by = event.key === "ArrowLeft" ? -keyStep : event.key === "ArrowRight" ? keyStep : 0;
    if (by === 0) return;
    event.preventDefault();
    move(percent + by);
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves cannot be a rule
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={Math.round(percent)}
      aria-valuemin={least}
      aria-valuemax={most}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
      className="relative z-2 hidden w-px shrink-0 cursor-col-resize touch-none bg-border before:absolute before:inset-y-0 before:-left-1 before:w-2 hover:bg-border-strong focus-visible:bg-accent active:bg-accent md:block"
    />
  );
}
