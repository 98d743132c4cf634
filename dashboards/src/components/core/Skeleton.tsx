import { cn } from "@/lib/cn";

/** A quiet block with the size of what will come. Give it that size with `className`. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse-soft rounded-sm bg-hover", className)} />;
}
