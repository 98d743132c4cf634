import { cn } from "@/lib/cn";

/** Three spans and the point where the first one ends: a trace, small. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={cn("size-5 shrink-0", className)}>
      <rect width="24" height="24" rx="5" className="fill-primary" />
      <path
        d="M6 7h7M6 12h12M6 17h5"
        className="stroke-primary-foreground"
        strokeWidth="2.2"
        strokeLinecap="round"
        fill="none"
      />
      <circle cx="17" cy="7" r="1.9" className="fill-ring" />
    </svg>
  );
}
