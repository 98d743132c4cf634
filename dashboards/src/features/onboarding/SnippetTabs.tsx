import { useState } from "react";
import { CodeBlock } from "@/components/core/CodeBlock";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/core/Tabs";
import { snippetsFor } from "./snippets";

type SnippetTabsProps = { endpoint: string; apiKey: string };

export function SnippetTabs({ endpoint, apiKey }: SnippetTabsProps) {
  const [chosen, setChosen] = useState("python");
  const snippets = snippetsFor(endpoint, apiKey);
  return (
    <Tabs value={chosen} onValueChange={setChosen}>
      <TabsList aria-label="Examples">
        {snippets.map(({ id, label }) => (
          <TabsTrigger key={id} value={id}>
            {label}
          </TabsTrigger>
        ))}
      </TabsList>
      {snippets.map((snippet) => (
        <TabsContent key={snippet.id} value={snippet.id} className="flex flex-col gap-3 pt-3">
          {snippet.note ? <p className="text-muted-foreground text-sm">{snippet.note}</p> : null}
          {snippet.install ? (
            <CodeBlock code={snippet.install} language="shell" label="Copy the install command" />
          ) : null}
          <CodeBlock
            code={snippet.code}
            language={snippet.language}
            label={`Copy the ${snippet.label} example`}
            className="max-h-96"
          />
        </TabsContent>
      ))}
    </Tabs>
  );
}
