import { X } from "lucide-react";
import { Toast as Primitive } from "radix-ui";
import { useSyncExternalStore } from "react";
import { dismissToast, getToasts, subscribeToToasts } from "@/lib/toasts";
import { Button } from "./Button";

/** Shows what `showToast` announces, in a corner, for a few seconds. Mounted once. */
export function Toaster() {
  const toasts = useSyncExternalStore(subscribeToToasts, getToasts);
  return (
    <Primitive.Provider swipeDirection="right" duration={5000}>
      {toasts.map((toast) => (
        <Primitive.Root
          key={toast.id}
          type={toast.tone === "error" ? "foreground" : "background"}
          onOpenChange={(open) => {
            if (!open) dismissToast(toast.id);
          }}
          className="flex animate-in items-start gap-3 rounded-md border border-border-strong bg-popover p-3 shadow-popover data-[tone=error]:border-destructive"
          data-tone={toast.tone}
        >
          <div className="min-w-0 flex-1">
            <Primitive.Title className="font-medium text-sm">{toast.title}</Primitive.Title>
            {toast.text ? (
              <Primitive.Description className="mt-0.5 text-muted-foreground text-xs">
                {toast.text}
              </Primitive.Description>
            ) : null}
          </div>
          <Primitive.Close asChild>
            <Button variant="ghost" size="icon-sm" aria-label="Dismiss">
              <X />
            </Button>
          </Primitive.Close>
        </Primitive.Root>
      ))}
      <Primitive.Viewport className="fixed right-4 bottom-4 z-50 flex w-80 max-w-[calc(100vw-2rem)] flex-col gap-2 outline-none" />
    </Primitive.Provider>
  );
}
