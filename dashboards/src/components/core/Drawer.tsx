import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

type DrawerProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** The accessible name; the visible header is the caller's. */
  label: string;
  children: ReactNode;
  side?: "left" | "right";
  /** A modal drawer covers the page; a non-modal one leaves the list behind it usable. */
  modal?: boolean;
  className?: string;
};

export function Drawer({
  open,
  onOpenChange,
  label,
  children,
  side = "right",
  modal = false,
  className,
}: DrawerProps) {
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange} modal={modal}>
      <Primitive.Portal>
        {modal ? <Primitive.Overlay className="fixed inset-0 z-40 bg-overlay" /> : null}
        <Primitive.Content
          aria-describedby={undefined}
          onInteractOutside={(event) => {
            if (!modal) event.preventDefault();
          }}
          className={cn(
            "fixed inset-y-0 z-40 flex w-full flex-col border-border-strong bg-background shadow-popover focus:outline-none",
            side === "right" ? "right-0 animate-drawer border-l md:w-[min(64rem,72vw)]" : "left-0 border-r",
            className,
          )}
        >
          <Primitive.Title className="sr-only">{label}</Primitive.Title>
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
