import { cn } from "@/lib/cn";
import { type CodeLanguage, type CodeSegment, highlight } from "@/lib/highlight";
import { CopyButton } from "./CopyButton";

type CodeBlockProps = {
  code: string;
  language?: CodeLanguage;
  /** What it is, for the copy button: "Copy the Python example". */
  label?: string;
  className?: string;
};

const colors: Record<CodeSegment["kind"], string | undefined> = {
  plain: undefined,
  comment: "text-code-comment",
  string: "text-code-string",
  number: "text-code-number",
  keyword: "text-code-keyword",
};

/** Code to read and copy. Scrolls inside its own frame; never wraps a command. */
export function CodeBlock({ code, language, label = "Copy", className }: CodeBlockProps) {
  const segments: CodeSegment[] = language ? highlight(code, language) : [{ kind: "plain", text: code }];
  return (
    <div className="relative min-w-0 rounded-md border border-border bg-sunken">
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className={cn("overflow-auto p-3 pr-12 font-mono text-foreground text-xs leading-5", className)}
      >
        <code>
          {segments.map((segment, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the segments of one text never move
            <span key={index} className={colors[segment.kind]}>
              {segment.text}
            </span>
          ))}
        </code>
      </pre>
      <CopyButton text={code} label={label} side="left" className="absolute top-2.5 right-2.5 bg-sunken" />
    </div>
  );
}
