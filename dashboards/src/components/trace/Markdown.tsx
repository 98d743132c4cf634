import { isValidElement } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CodeBlock } from "@/components/core/CodeBlock";

const linkClasses = "text-accent underline underline-offset-2";

/**
 * Markdown to elements. Raw HTML stays text, links lead out of the page, and pictures from elsewhere are only links:
 * fetching one would tell its owner who reads the trace.
 */
const components: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener nofollow" className={linkClasses}>
      {children}
    </a>
  ),
  img: ({ src, alt }) => (
    <a
      href={typeof src === "string" ? src : undefined}
      target="_blank"
      rel="noreferrer noopener nofollow"
      className={linkClasses}
    >
      {alt || "picture"}
    </a>
  ),
  pre: ({ children }) => <CodeBlock code={codeIn(children)} label="Copy the code" />,
  code: ({ children }) => (
    <code className="rounded-sm bg-sunken px-1 py-px font-mono text-[0.92em]">{children}</code>
  ),
  table: ({ children }) => (
    <div className="overflow-x-auto">
      <table className="text-sm">{children}</table>
    </div>
  ),
  th: ({ children }) => (
    <th className="border-border border-b px-3 py-1 text-left font-medium first:pl-0">{children}</th>
  ),
  td: ({ children }) => <td className="border-border border-b px-3 py-1 first:pl-0">{children}</td>,
  ul: ({ children }) => <ul className="list-disc space-y-1 pl-5">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="list-decimal space-y-1 pl-5">
      {children}
    </ol>
  ),
  blockquote: ({ children }) => (
    <blockquote className="border-border-strong border-l-2 pl-3 text-muted-foreground">{children}</blockquote>
  ),
  h1: ({ children }) => <h4 className="font-semibold text-base">{children}</h4>,
  h2: ({ children }) => <h4 className="font-semibold text-base">{children}</h4>,
  h3: ({ children }) => <h4 className="font-semibold text-sm">{children}</h4>,
  hr: () => <hr className="border-border" />,
};

const plugins = [remarkGfm];

export function Markdown({ text }: { text: string }) {
  return (
    <div className="flex flex-col gap-2.5 [overflow-wrap:anywhere]">
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {text}
      </ReactMarkdown>
    </div>
  );
}

function codeIn(children: unknown): string {
  if (!isValidElement<{ children?: unknown }>(children)) return String(children ?? "");
  return String(children.props.children ?? "").replace(/\n$/, "");
}
