import { cn } from "@/lib/cn";
import { CopyButton } from "./CopyButton";

type CodeBlockProps = {
  code: string;
  /** What it is, for the copy button: "Copy the Python example". */
  label?: string;
  className?: string;
};

/** Code to read and copy. Scrolls inside its own frame; never wraps a command. */
export function CodeBlock({ code, label = "Copy", className }: CodeBlockProps) {
  return (
    <div className={cn("group relative min-w-0 rounded-md border border-border bg-sunken", className)}>
      <pre className="overflow-x-auto p-3 pr-10 font-mono text-foreground text-xs leading-5">
        <code>{code}</code>
      </pre>
      <CopyButton text={code} label={label} side="left" className="absolute top-1.5 right-1.5 bg-sunken" />
    </div>
  );
}
