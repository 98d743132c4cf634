/** An observation's input and output as turns to read: tool calls joined with their results, whoever holds them. */
import * as z from "zod";

const media = {
  uri: z.string().optional(),
  data: z.string().optional(),
  file_id: z.string().optional(),
  mime_type: z.string().optional(),
  name: z.string().optional(),
};

const partSchema = z.union([
  z.object({ type: z.literal("text"), content: z.string() }),
  z.object({ type: z.literal("reasoning"), content: z.string() }),
  z.object({
    type: z.literal("tool_call"),
    id: z.string().nullish(),
    name: z.string(),
    arguments: z.unknown(),
  }),
  z.object({
    type: z.literal("tool_call_response"),
    id: z.string().nullish(),
    name: z.string().nullish(),
    result: z.unknown(),
  }),
  z.object({ type: z.enum(["image", "audio", "video", "file"]), ...media }),
]);

const messageSchema = z.object({
  role: z.string(),
  name: z.string().nullish(),
  parts: z.array(z.unknown()),
  finish_reason: z.string().nullish(),
});

export type Media = {
  kind: "image" | "audio" | "video" | "file";
  uri?: string;
  data?: string;
  file_id?: string;
  mime_type?: string;
  name?: string;
};

export type Block =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "tool"; id?: string; name: string; arguments: unknown; result: { value: unknown } | undefined }
  | { kind: "result"; id?: string; name?: string; value: unknown }
  | { kind: "media"; media: Media }
  | { kind: "other"; value: unknown };

export type Turn = {
  role: string;
  name?: string;
  /** Which side of the call it stands on. */
  side: "input" | "output";
  blocks: Block[];
  finishReason?: string;
};

export type Content =
  | { kind: "conversation"; turns: Turn[] }
  | { kind: "values"; input: unknown; output: unknown };

/** Turns when either side is a conversation; the other side's plain value becomes a turn of its own. */
export function readContent(input: unknown, output: unknown): Content {
  const asked = readMessages(input, "input");
  const answered = readMessages(output, "output");
  if (!asked && !answered) return { kind: "values", input, output };
  const turns = [
    ...(asked ?? plainTurn(input, "user", "input")),
    ...(answered ?? plainTurn(output, "assistant", "output")),
  ];
  return { kind: "conversation", turns: joinResults(turns) };
}

function plainTurn(value: unknown, role: string, side: Turn["side"]): Turn[] {
  if (value === null || value === undefined) return [];
  const block: Block = typeof value === "string" ? { kind: "text", text: value } : { kind: "other", value };
  return [{ role, side, blocks: [block] }];
}

function readMessages(value: unknown, side: Turn["side"]): Turn[] | undefined {
  const messages = z.array(messageSchema).min(1).safeParse(value);
  if (!messages.success) return undefined;
  return messages.data.map(({ role, name, parts, finish_reason }) => ({
    role,
    name: name ?? undefined,
    side,
    blocks: parts.map(readPart),
    finishReason: finish_reason ?? undefined,
  }));
}

function readPart(value: unknown): Block {
  const parsed = partSchema.safeParse(value);
  if (!parsed.success) return { kind: "other", value };
  const part = parsed.data;
  switch (part.type) {
    case "text":
      return { kind: "text", text: part.content };
    case "reasoning":
      return { kind: "reasoning", text: part.content };
    case "tool_call":
      return {
        kind: "tool",
        id: part.id ?? undefined,
        name: part.name,
        arguments: part.arguments,
        result: undefined,
      };
    case "tool_call_response":
      return { kind: "result", id: part.id ?? undefined, name: part.name ?? undefined, value: part.result };
    default: {
      const { type, ...rest } = part;
      return { kind: "media", media: { kind: type, ...rest } };
    }
  }
}

/** Puts each result beside its call; a message that only carried results that found their calls is gone then. */
function joinResults(turns: Turn[]): Turn[] {
  const results = new Map<string, unknown>();
  for (const { blocks } of turns) {
    for (const block of blocks) if (block.kind === "result" && block.id) results.set(block.id, block.value);
  }
  const joined = new Set<string>();
  const called = turns.map((turn) => ({
    ...turn,
    blocks: turn.blocks.map((block): Block => {
      if (block.kind !== "tool" || !block.id || !results.has(block.id)) return block;
      joined.add(block.id);
      return { ...block, result: { value: results.get(block.id) } };
    }),
  }));
  return called
    .map((turn) => ({
      ...turn,
      blocks: turn.blocks.filter((block) => !(block.kind === "result" && block.id && joined.has(block.id))),
    }))
    .filter(({ blocks }, index) => blocks.length > 0 || turns[index]?.blocks.length === 0);
}

const safeImage = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

/** What an image may be shown from without asking: bytes that came with the trace. */
export function embeddedImage({ kind, uri, data, mime_type }: Media): string | undefined {
  if (kind !== "image") return undefined;
  const type = mime_type ?? "image/png";
  if (data && safeImage.test(type)) return `data:${type};base64,${data}`;
  const inUri = /^data:([^;,]+)[;,]/.exec(uri ?? "")?.[1];
  return inUri && safeImage.test(inUri) ? uri : undefined;
}

/** An address elsewhere. Showing it would tell its owner who reads the trace, so it is only a link. */
export function remoteAddress({ uri }: Media): string | undefined {
  return uri && /^https?:\/\//i.test(uri) ? uri : undefined;
}

/** Text that is really JSON, as the value. */
export function jsonInText(text: string): { value: unknown } | undefined {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed) || trimmed.length > 500_000) return undefined;
  try {
    return { value: JSON.parse(trimmed) };
  } catch {
    return undefined;
  }
}
