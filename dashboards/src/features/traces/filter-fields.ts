/** The fields of the filter language, as the server knows them, and what to offer for each. */

export type FilterField = {
  name: string;
  /** What it is, beside its name in the suggestions. */
  hint: string;
  /** Terms to begin with where no values are known: comparisons for numbers. */
  examples?: readonly string[];
};

export const filterFields: readonly FilterField[] = [
  { name: "status", hint: "how it ended", examples: ["error", "ok", "unset"] },
  { name: "model", hint: "any model that was called" },
  { name: "name", hint: "the trace's name" },
  { name: "environment", hint: "where it ran" },
  { name: "duration", hint: "from first start to last end", examples: [">1s", ">10s", "<200ms"] },
  { name: "cost", hint: "US dollars", examples: [">0.01", ">0.1", ">1"] },
  { name: "tokens", hint: "input and output", examples: [">1000", ">10000"] },
  { name: "errors", hint: "failed observations", examples: [">0", ">5"] },
  { name: "user", hint: "who asked" },
  { name: "session", hint: "the conversation it is part of" },
  { name: "tag", hint: "a label" },
  {
    name: "type",
    hint: "any observation's type",
    examples: ["agent", "generation", "tool", "retrieval", "embedding", "chain", "guardrail", "evaluator"],
  },
  { name: "provider", hint: "who served the model" },
  { name: "service", hint: "what sent it" },
  { name: "id", hint: "a trace or an observation" },
];
