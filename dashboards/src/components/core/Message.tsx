import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

type MessageProps = {
  icon?: LucideIcon;
  title: ReactNode;
  children?: ReactNode;
  /** The next step: a button or a link. */
  action?: ReactNode;
  tone?: "neutral" | "destructive";
  className?: string;
  role?: "alert" | "status";
};

/** The one shape of a page or panel that has words instead of data: empty, failed, forbidden, not found. */
export function Message({
  icon: Icon,
  title,
  children,
  action,
  tone = "neutral",
  className,
  role,
}: MessageProps) {
  return (
    <div
      role={role}
      className={cn("flex flex-1 flex-col items-center justify-center px-6 py-16 text-center", className)}
    >
      {Icon ? (
        <Icon
          aria-hidden
          strokeWidth={1.5}
          className={cn("mb-3 size-6", tone === "destructive" ? "text-destructive" : "text-faint-foreground")}
        />
      ) : null}
      <h2 className="font-semibold text-base">{title}</h2>
      {children ? (
        <div className="mt-1 max-w-md text-balance text-muted-foreground text-sm">{children}</div>
      ) : null}
      {action ? <div className="mt-4 flex flex-wrap items-center justify-center gap-2">{action}</div> : null}
    </div>
  );
}
