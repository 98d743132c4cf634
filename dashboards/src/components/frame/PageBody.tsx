import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A page that reads like a document: it scrolls, and its lines stay short. Lists and traces fill the frame instead. */
export function PageBody({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className={cn("mx-auto flex w-full max-w-4xl flex-col gap-6 px-4 py-6 md:px-8", className)}>
        {children}
      </div>
    </div>
  );
}
