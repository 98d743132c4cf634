import { AlertDialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./Button";

type ConfirmDialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  /** What will happen, and whether it can be undone. */
  description: ReactNode;
  confirmLabel: string;
  pending?: boolean;
  /** Why the last attempt failed. */
  error?: ReactNode;
  onConfirm: () => void;
};

/** Asks before something that cannot be undone. Stays open until the caller closes it. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Primitive.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Primitive.Content className="fixed top-[18vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-sm -translate-x-1/2 animate-in rounded-md border border-border-strong bg-popover p-4 shadow-popover focus:outline-none">
          <Primitive.Title className="font-semibold text-base">{props.title}</Primitive.Title>
          <Primitive.Description asChild>
            <div className="mt-1.5 text-muted-foreground text-sm">{props.description}</div>
          </Primitive.Description>
          {props.error ? (
            <p role="alert" className="mt-3 text-destructive text-sm">
              {props.error}
            </p>
          ) : null}
          <div className="mt-4 flex justify-end gap-2">
            <Primitive.Cancel asChild>
              <Button>Cancel</Button>
            </Primitive.Cancel>
            <Button variant="destructive" pending={props.pending} onClick={props.onConfirm}>
              {props.confirmLabel}
            </Button>
          </div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
