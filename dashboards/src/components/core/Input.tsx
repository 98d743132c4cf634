import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export function Input({ className, type = "text", ...rest }: ComponentProps<"input">) {
  return (
    <input
      type={type}
      className={cn(
        "h-8 w-full min-w-0 rounded-md border border-input bg-surface px-2.5 text-foreground text-sm placeholder:text-faint-foreground hover:border-border-strong focus-visible:border-ring focus-visible:outline-offset-0 disabled:opacity-50 aria-invalid:border-destructive",
        className,
      )}
      {...rest}
    />
  );
}
