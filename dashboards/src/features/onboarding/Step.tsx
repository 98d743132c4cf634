import type { ReactNode } from "react";

type StepProps = { number: number; title: string; aside?: ReactNode; children: ReactNode };

export function Step({ number, title, aside, children }: StepProps) {
  return (
    <li className="flex min-w-0 flex-col gap-3">
      <div className="flex min-h-7.5 flex-wrap items-center gap-x-2.5 gap-y-2">
        <span
          aria-hidden
          className="flex size-5 items-center justify-center rounded-full border border-border-strong text-2xs text-muted-foreground tabular-nums"
        >
          {number}
        </span>
        <h2 className="font-medium text-base">{title}</h2>
        {aside ? <div className="ml-auto">{aside}</div> : null}
      </div>
      {children}
    </li>
  );
}
