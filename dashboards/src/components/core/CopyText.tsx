import { Check } from "lucide-react";
import { cn } from "@/lib/cn";
import { useCopy } from "@/lib/useCopy";
import { Tooltip } from "./Tooltip";

type CopyTextProps = {
  /** What is copied, and shown in full in the tooltip. */
  text: string;
  /** What is shown, when shorter. */
  display?: string;
  className?: string;
};

/** An id that copies itself on click. */
export function CopyText({ text, display, className }: CopyTextProps) {
  const { copied, copy } = useCopy();
  return (
    <Tooltip content={copied ? "Copied" : <span className="font-mono">{text}</span>}>
      <button
        type="button"
        aria-label={`Copy ${text}`}
        onClick={(event) => {
          event.stopPropagation();
          void copy(text);
        }}
        className={cn(
          "inline-flex items-center gap-1 rounded-sm font-mono text-muted-foreground text-xs hover:text-foreground",
          className,
        )}
      >
        {display ?? text}
        {copied ? <Check className="size-3 text-success" aria-hidden /> : null}
      </button>
    </Tooltip>
  );
}
