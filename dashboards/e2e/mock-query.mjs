// The mock server's small share of the query language: enough to try the filter bar, the histogram and the facets.

const fields = {
  status: (trace) => [trace.status],
  name: (trace) => [trace.name],
  environment: (trace) => [trace.environment],
  model: (trace) => trace.models,
  user: (trace) => [trace.user_id ?? ""],
  session: (trace) => [trace.session_id ?? ""],
  tag: (trace) => trace.tags,
  type: (trace) => [trace.root_type],
  service: (trace) => [trace.service_name ?? ""],
  id: (trace) => [trace.trace_id],
};
const numbers = {
  duration: (trace) => trace.duration_ms,
  cost: (trace) => Number(trace.total_cost ?? 0),
  tokens: (trace) => trace.usage?.total_tokens ?? 0,
  errors: (trace) => trace.error_count,
};
const units = { ms: 1, s: 1000, m: 60_000 };

export function matches(trace, filter) {
  const terms = (filter ?? "").match(/-?[\w.]+:(?:"[^"]*"|\S+)|"[^"]*"|\S+/g) ?? [];
  return terms.every((term) => matchesTerm(trace, term));
}

function matchesTerm(trace, term) {
  const parts = /^(-?)([\w.]+):(.+)$/.exec(term);
  if (!parts) {
    const words = `${trace.name} ${trace.input_preview ?? ""} ${trace.output_preview ?? ""}`.toLowerCase();
    return words.includes(term.replaceAll('"', "").toLowerCase());
  }
  const [, negated, field, value] = parts;
  const hit =
    field in numbers
      ? compares(numbers[field](trace), value)
      : equalsAny(fields[field]?.(trace) ?? [], value);
  return negated ? !hit : hit;
}

function compares(actual, value) {
  const parts = /^(>=|<=|>|<)?([\d.]+)(ms|s|m)?$/.exec(value);
  if (!parts) return false;
  const wanted = Number(parts[2]) * (units[parts[3]] ?? 1);
  if (parts[1] === ">") return actual > wanted;
  if (parts[1] === ">=") return actual >= wanted;
  if (parts[1] === "<") return actual < wanted;
  if (parts[1] === "<=") return actual <= wanted;
  return actual === wanted;
}

function equalsAny(actual, value) {
  return value.split(",").some((wanted) => {
    const plain = wanted.replaceAll('"', "");
    const pattern = new RegExp(`^${plain.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
    return actual.some((candidate) => pattern.test(candidate));
  });
}

export function histogram(rows, query) {
  const from = Date.parse(query.get("from"));
  const to = Date.parse(query.get("to"));
  const steps = [10_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000];
  const interval = steps.find((step) => (to - from) / step <= 120) ?? 86_400_000;
  const first = Math.floor(from / interval) * interval;
  const buckets = [];
  for (let start = first; start < to; start += interval) {
    const inside = rows.filter(({ trace }) => {
      const time = Date.parse(trace.start_time);
      return time >= start && time < start + interval;
    });
    const failed = inside.filter(({ trace }) => trace.error_count > 0).length;
    buckets.push({ start: new Date(start).toISOString(), count: inside.length, error_count: failed });
  }
  return { interval_ms: interval, buckets };
}

export function facets(rows) {
  const names = ["environment", "model", "status", "name", "user"];
  return {
    fields: names.map((field) => {
      const counts = new Map();
      for (const { trace } of rows) {
        for (const value of fields[field](trace)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      const values = [...counts]
        .map(([value, count]) => ({ value, count }))
        .sort((a, b) => b.count - a.count);
      return { field, values: values.slice(0, 20) };
    }),
  };
}
