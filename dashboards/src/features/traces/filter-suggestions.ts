/** What to offer while somebody types a filter: fields, then values of the field with how often they occur. */
import type { Facets } from "@/lib/api/types";
import { filterFields } from "./filter-fields";
import { parseFilter, quoteValue, type Span } from "./filter-language";

export type Suggestion = {
  key: string;
  label: string;
  hint?: string;
  count?: number;
  /** What replaces the span. */
  insert: string;
  /** Whether choosing it ends the term, so that a space follows. */
  complete: boolean;
};

export type Suggestions = { span: Span; items: Suggestion[] };

const offeredAtMost = 12;

export function suggest(text: string, caret: number, facets: Facets | undefined): Suggestions {
  const term = parseFilter(text).find(({ start, end }) => start <= caret && caret <= end);
  if (!term) return { span: { start: caret, end: caret }, items: fieldSuggestions("", "") };
  if (!term.field || caret <= term.field.end) {
    const minus = term.negated ? "-" : "";
    const typed = text.slice(term.start + minus.length, caret);
    const end = term.field ? term.field.end + 1 : term.end;
    return { span: { start: term.start, end }, items: fieldSuggestions(typed, minus) };
  }
  const value = term.values.find(({ start, end }) => start <= caret && caret <= end);
  if (!value) return { span: { start: caret, end: caret }, items: [] };
  // The operator belongs to what is replaced: the examples bring their own.
  const start = value.start - (term.operator?.length ?? 0);
  const typed = `${term.operator ?? ""}${value.text}`;
  return { span: { start, end: value.end }, items: valueSuggestions(term.field.name, typed, facets) };
}

function fieldSuggestions(typed: string, minus: string): Suggestion[] {
  const wanted = typed.toLowerCase();
  if (wanted.startsWith('"')) return [];
  return filterFields
    .filter(({ name }) => name.startsWith(wanted))
    .map(({ name, hint }) => ({
      key: name,
      label: `${name}:`,
      hint,
      insert: `${minus}${name}:`,
      complete: false,
    }));
}

function valueSuggestions(name: string, typed: string, facets: Facets | undefined): Suggestion[] {
  const field = filterFields.find((candidate) => candidate.name === name.toLowerCase());
  if (!field) return [];
  const known = facets?.fields.find((facet) => facet.field === field.name)?.values ?? [];
  const counted = known
    .filter(({ value }) => value !== "")
    .map(({ value, count }) => ({ label: value, insert: quoteValue(value), count }));
  const seen = new Set(counted.map(({ label }) => label));
  const examples = (field.examples ?? [])
    .filter((value) => !seen.has(value))
    .map((value) => ({ label: value, insert: value, count: undefined }));
  const wanted = typed.toLowerCase();
  return [...counted, ...examples]
    .filter(({ label, insert }) => label.toLowerCase().includes(wanted) && insert !== typed)
    .slice(0, offeredAtMost)
    .map(({ label, insert, count }) => ({ key: `${name}:${label}`, label, insert, count, complete: true }));
}

/** The text after choosing, and where the caret then stands. */
export function applySuggestion(text: string, span: Span, suggestion: Suggestion) {
  const after = text.slice(span.end);
  const space = suggestion.complete && !/^[\s,]/.test(after) ? " " : "";
  const before = text.slice(0, span.start) + suggestion.insert + space;
  return { text: before + after, caret: before.length };
}
