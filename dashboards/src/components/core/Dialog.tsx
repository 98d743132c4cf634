import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Button } from "./Button";

type DialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  /** False keeps the dialog from closing by a click outside or by escape: for what is shown only once. */
  dismissible?: boolean;
  className?: string;
};

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, children, footer, dismissible = true, className } = props;
  const hold = (event: Event) => {
    if (!dismissible) event.preventDefault();
  };
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Primitive.Content
          onEscapeKeyDown={hold}
          onInteractOutside={hold}
          className={cn(
            "fixed top-[12vh] left-1/2 z-50 flex max-h-[80vh] w-[calc(100vw-2rem)] max-w-md -translate-x-1/2 animate-in flex-col rounded-md border border-border-strong bg-popover shadow-popover focus:outline-none",
            className,
          )}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <header className="flex items-start justify-between gap-4 px-4 pt-4 pb-3">
            <div className="min-w-0">
              <Primitive.Title className="font-semibold text-base">{title}</Primitive.Title>
              {description ? (
                <Primitive.Description className="mt-1 text-muted-foreground text-sm">
                  {description}
                </Primitive.Description>
              ) : null}
            </div>
            {dismissible ? (
              <Primitive.Close asChild>
                <Button variant="ghost" size="icon-sm" aria-label="Close">
                  <X />
                </Button>
              </Primitive.Close>
            ) : null}
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-4 pb-4">{children}</div>
          {footer ? (
            <footer className="flex justify-end gap-2 border-border border-t px-4 py-3">{footer}</footer>
          ) : null}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
