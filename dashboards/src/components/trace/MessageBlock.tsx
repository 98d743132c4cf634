import { Brain, FileText } from "lucide-react";
import { CodeBlock } from "@/components/core/CodeBlock";
import { type Block, embeddedImage, type Media, remoteAddress } from "./conversation";
import { MessageText } from "./MessageText";
import { ToolCallBlock, ToolValue } from "./ToolCallBlock";

export function MessageBlock({ block }: { block: Block }) {
  switch (block.kind) {
    case "text":
      return <MessageText text={block.text} />;
    case "reasoning":
      return <Reasoning text={block.text} />;
    case "tool":
      return <ToolCallBlock call={block} />;
    case "result":
      return <ToolValue title={block.name ? `Result of ${block.name}` : "Tool result"} value={block.value} />;
    case "media":
      return <MediaBlock media={block.media} />;
    case "other":
      return (
        <CodeBlock
          code={JSON.stringify(block.value, null, 2) ?? "null"}
          language="json"
          className="max-h-96"
        />
      );
  }
}

function Reasoning({ text }: { text: string }) {
  if (text === "") {
    return (
      <p className="flex items-center gap-1.5 text-faint-foreground text-xs">
        <Brain aria-hidden className="size-3.5" /> Reasoning, kept by the provider
      </p>
    );
  }
  return (
    <details className="group rounded-md border border-border border-dashed">
      <summary className="flex cursor-pointer items-center gap-1.5 rounded-md px-2.5 py-1.5 text-muted-foreground text-xs hover:text-foreground">
        <Brain aria-hidden className="size-3.5 shrink-0" />
        <span className="shrink-0">Reasoning</span>
        <span className="truncate text-faint-foreground group-open:hidden">{text.slice(0, 160)}</span>
      </summary>
      <div className="px-2.5 pb-2.5 text-muted-foreground">
        <MessageText text={text} />
      </div>
    </details>
  );
}

function MediaBlock({ media }: { media: Media }) {
  const image = embeddedImage(media);
  if (image) {
    return (
      <img
        src={image}
        alt={media.name ?? "From the conversation"}
        className="max-h-80 max-w-full self-start rounded-md border border-border"
      />
    );
  }
  const address = remoteAddress(media);
  const words = [media.name ?? media.kind, media.mime_type, media.file_id].filter(Boolean).join(", ");
  return (
    <p className="flex min-w-0 items-center gap-1.5 rounded-md border border-border px-2.5 py-1.5 text-xs">
      <FileText aria-hidden className="size-3.5 shrink-0 text-muted-foreground" />
      <span className="shrink-0">{words}</span>
      {address ? (
        <a
          href={address}
          target="_blank"
          rel="noreferrer noopener nofollow"
          className="truncate text-accent underline underline-offset-2"
        >
          {address}
        </a>
      ) : null}
    </p>
  );
}
