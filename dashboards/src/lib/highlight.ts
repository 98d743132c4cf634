/** Colours for short examples: comments, strings, numbers and keywords. Not a parser; real code is shown plain. */

export type CodeLanguage = "python" | "typescript" | "go" | "shell" | "yaml" | "json";
export type CodeSegment = { kind: "plain" | "comment" | "string" | "number" | "keyword"; text: string };

const keywords: Record<CodeLanguage, string> = {
  python: "from|import|as|with|def|return|print|for|in|if|else|None|True|False",
  typescript: "import|from|const|let|new|await|async|function|return|export",
  go: "package|import|func|if|err|nil|return|map|string|defer",
  shell: "curl|export|pip|npm|go|install|get|date|openssl",
  yaml: "receivers|processors|exporters|service|pipelines|traces",
  json: "true|false|null",
};

const comments: Record<CodeLanguage, string> = {
  python: "#[^\\n]*",
  typescript: "\\/\\/[^\\n]*",
  go: "\\/\\/[^\\n]*",
  shell: "(?<=^|\\s)#[^\\n]*",
  yaml: "#[^\\n]*",
  json: "(?!)",
};

export function highlight(code: string, language: CodeLanguage): CodeSegment[] {
  const pattern = new RegExp(
    `(?<string>"(?:[^"\\\\\\n]|\\\\.)*"|'(?:[^'\\\\\\n]|\\\\.)*')|(?<comment>${comments[language]})|(?<keyword>\\b(?:${keywords[language]})\\b(?![\\w-]*["/.]))|(?<number>\\b\\d+(?:\\.\\d+)*\\b)`,
    "gm",
  );
  const segments: CodeSegment[] = [];
  let end = 0;
  for (const match of code.matchAll(pattern)) {
    if (match.index > end) segments.push({ kind: "plain", text: code.slice(end, match.index) });
    segments.push({ kind: kindOf(match.groups), text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < code.length) segments.push({ kind: "plain", text: code.slice(end) });
  return segments;
}

function kindOf(groups: Record<string, string | undefined> | undefined): CodeSegment["kind"] {
  if (groups?.string !== undefined) return "string";
  if (groups?.comment !== undefined) return "comment";
  return groups?.keyword !== undefined ? "keyword" : "number";
}
