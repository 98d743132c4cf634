/**
 * A preview is the beginning of what was recorded, and may be the beginning of a conversation as JSON, cut anywhere.
 * What a person wants to see of it is what was said.
 */
const role = /"role"\s*:\s*"(\w+)"/g;
const said = /"(?:content|text)"\s*:\s*"((?:[^"\\]|\\.)*)("?)/g;

export function previewText(preview: string | null | undefined): string | undefined {
  if (!preview) return undefined;
  if (!/^\s*[[{]/.test(preview) || !preview.includes('"role"')) return preview;
  const roles = [...preview.matchAll(role)];
  const texts = [...preview.matchAll(said)].map((match) => ({
    text: unescaped(match[1] ?? ""),
    role: roles.findLast(({ index }) => index < match.index)?.[1],
  }));
  const words = texts.find(({ role: who, text }) => who !== "system" && who !== "developer" && text !== "");
  return (words ?? texts[0])?.text || preview;
}

function unescaped(text: string): string {
  // A cut may have left half an escape at the end.
  const whole = text.replace(/\\(?:u[0-9a-fA-F]{0,3})?$/, "");
  try {
    return JSON.parse(`"${whole}"`) as string;
  } catch {
    return whole;
  }
}
