/**
 * The filter language on this side of the wire: where terms and values stand in the text, so that it can be coloured,
 * completed and changed by a click. What a filter means, and whether it is right, only the server decides.
 */

export type Span = { start: number; end: number };

export type FilterValue = Span & {
  /** Without quotes and escapes. */
  text: string;
};

export type FilterTerm = Span & {
  negated: boolean;
  /** Absent on a word to search for. */
  field?: Span & { name: string };
  /** `>`, `>=`, `<` or `<=`. */
  operator?: string;
  values: FilterValue[];
};

export function parseFilter(text: string): FilterTerm[] {
  const terms: FilterTerm[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text, at)) {
      at += 1;
      continue;
    }
    const term = readTerm(text, at);
    terms.push(term);
    at = Math.max(term.end, at + 1);
  }
  return terms;
}

function readTerm(text: string, start: number): FilterTerm {
  const negated = text[start] === "-" && start + 1 < text.length && !isSpace(text, start + 1);
  const begin = negated ? start + 1 : start;
  const name = /^[^\s:"]+(?=:)/.exec(text.slice(begin))?.[0];
  if (name === undefined) {
    const value = readValue(text, begin, false);
    return { start, end: value.end, negated, values: [value] };
  }
  const field = { start: begin, end: begin + name.length, name };
  const afterColon = field.end + 1;
  const operator = /^[<>]=?/.exec(text.slice(afterColon))?.[0];
  const values = readValues(text, afterColon + (operator?.length ?? 0));
  return { start, end: values.at(-1)?.end ?? afterColon, negated, field, operator, values };
}

/** Values separated by commas; at least one, though it may be empty while somebody types. */
function readValues(text: string, start: number): FilterValue[] {
  const values: FilterValue[] = [];
  let at = start;
  for (;;) {
    const value = readValue(text, at, true);
    values.push(value);
    if (text[value.end] !== ",") return values;
    at = value.end + 1;
  }
}

function readValue(text: string, start: number, commaEnds: boolean): FilterValue {
  let at = start;
  let read = "";
  let quoted = false;
  for (; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (quoted && char === "\\" && at + 1 < text.length) {
      at += 1;
      read += text[at];
    } else if (char === '"') {
      quoted = !quoted;
    } else if (!quoted && (isSpace(text, at) || (commaEnds && char === ","))) {
      break;
    } else {
      read += char;
    }
  }
  return { start, end: at, text: read };
}

function isSpace(text: string, at: number): boolean {
  return /\s/.test(text[at] ?? "");
}

/** A value as it has to be written. */
export function quoteValue(value: string): string {
  const plain = value !== "" && !/^[<>]/.test(value) && !/[\s",*\\]/.test(value);
  return plain ? value : `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

const isAnyOf = (term: FilterTerm, field: string) =>
  !term.negated && term.operator === undefined && term.field?.name.toLowerCase() === field;

/** The values that a facet shows as chosen. */
export function chosenValues(filter: string, field: string): Set<string> {
  const terms = parseFilter(filter).filter((term) => isAnyOf(term, field));
  return new Set(terms.flatMap(({ values }) => values.map(({ text }) => text)));
}

/** Adds the value to what the field may be, or takes it away again. */
export function toggleValue(filter: string, field: string, value: string): string {
  const term = parseFilter(filter).find((candidate) => isAnyOf(candidate, field));
  if (!term) return joined(filter, `${field}:${quoteValue(value)}`);
  const rest = term.values.filter(({ text }) => text !== value);
  if (rest.length === term.values.length) {
    return `${filter.slice(0, term.end)},${quoteValue(value)}${filter.slice(term.end)}`;
  }
  if (rest.length === 0) return joined(filter.slice(0, term.start), filter.slice(term.end));
  const kept = rest.map(({ start, end }) => filter.slice(start, end)).join(",");
  return `${filter.slice(0, term.start)}${field}:${kept}${filter.slice(term.end)}`;
}

/** The filter without any term about the field, whatever it says. */
export function withoutField(filter: string, field: string): string {
  const terms = parseFilter(filter).filter((term) => term.field?.name.toLowerCase() !== field);
  return terms.map(({ start, end }) => filter.slice(start, end)).join(" ");
}

export function joined(...parts: string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join(" ");
}

/** The server counts characters, JavaScript counts UTF-16 units; an emoji before the mistake must not shift it. */
export function utf16Span(text: string, start: number, end: number): Span {
  const characters = Array.from(text);
  const lengthOf = (count: number) => characters.slice(0, count).join("").length;
  return { start: lengthOf(start), end: lengthOf(end) };
}
