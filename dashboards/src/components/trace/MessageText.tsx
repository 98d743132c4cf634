import { lazy, Suspense, useState } from "react";
import { Button } from "@/components/core/Button";
import { CodeBlock } from "@/components/core/CodeBlock";
import { jsonInText } from "./conversation";

const Markdown = lazy(async () => ({ default: (await import("./Markdown")).Markdown }));

const shownAtFirst = 6_000;
/** Beyond this, Markdown would be slow to read; the plain text stays readable. */
const markdownMost = 60_000;

/** A message's text: JSON as code, Markdown as its author meant it, long ones cut until asked for. */
export function MessageText({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const json = jsonInText(text);
  if (json)
    return <CodeBlock code={JSON.stringify(json.value, null, 2)} language="json" className="max-h-96" />;
  const shown = all ? text : text.slice(0, shownAtFirst);
  const plain = <p className="whitespace-pre-wrap [overflow-wrap:anywhere]">{shown}</p>;
  return (
    <div>
      {shown.length > markdownMost ? (
        plain
      ) : (
        <Suspense fallback={plain}>
          <Markdown text={shown} />
        </Suspense>
      )}
      {shown.length < text.length ? (
        <Button size="sm" className="mt-2" onClick={() => setAll(true)}>
          Show all {text.length.toLocaleString("en-US")} characters
        </Button>
      ) : null}
    </div>
  );
}
