import { Tooltip as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { Kbd } from "./Kbd";

type TooltipProps = {
  content: ReactNode;
  children: ReactNode;
  shortcut?: string;
  side?: "top" | "right" | "bottom" | "left";
};

/** Needs a `TooltipProvider` above it; `AppProviders` has one. */
export function Tooltip({ content, children, shortcut, side = "top" }: TooltipProps) {
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{children}</Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          side={side}
          sideOffset={5}
          collisionPadding={8}
          className="z-50 flex max-w-xs animate-in items-center gap-2 break-words rounded-md border border-border-strong bg-popover px-2 py-1 text-foreground text-xs shadow-popover"
        >
          {content}
          {shortcut ? <Kbd>{shortcut}</Kbd> : null}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

export const TooltipProvider = Primitive.Provider;
