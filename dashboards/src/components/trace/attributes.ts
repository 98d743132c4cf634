/** Attributes in three groups: what Brokle understood, what is the application's own, where it ran. */

export type AttributeRow = { key: string; value: unknown };
export type AttributeGroup = { title: string; hint?: string; rows: AttributeRow[] };

const mapped =
  /^(gen_ai|brokle|openinference|llm|ai|langfuse|traceloop|input|output|user|session|metadata|tag)\./;

export function groupAttributes(observation: {
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  metadata: Record<string, unknown>;
}): AttributeGroup[] {
  const own = rowsOf(observation.attributes);
  const groups: AttributeGroup[] = [
    { title: "Metadata", hint: "attached by the caller", rows: rowsOf(observation.metadata) },
    { title: "Mapped", hint: "read into fields", rows: own.filter(({ key }) => mapped.test(key)) },
    { title: "Other", hint: "as sent", rows: own.filter(({ key }) => !mapped.test(key)) },
    { title: "Resource", hint: "where it ran", rows: rowsOf(observation.resource) },
  ];
  return groups.filter(({ rows }) => rows.length > 0);
}

function rowsOf(values: Record<string, unknown> | null | undefined): AttributeRow[] {
  return Object.entries(values ?? {})
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => a.key.localeCompare(b.key));
}

export function attributeText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
