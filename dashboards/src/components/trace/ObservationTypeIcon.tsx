import { cn } from "@/lib/cn";
import { observationType } from "./observation-types";

export function ObservationTypeIcon({ type, className }: { type: string; className?: string }) {
  const { icon: Icon, label, text } = observationType(type);
  return (
    <span title={label} className={cn("inline-flex shrink-0", text, className)}>
      <Icon role="img" aria-label={label} className="size-3.5" strokeWidth={1.9} />
    </span>
  );
}
