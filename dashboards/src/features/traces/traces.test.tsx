import { configure, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { anObservation } from "@/components/trace/testing";
import { aTrace } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { renderRoute } from "@/testing/render";
import { server } from "@/testing/server";

const list = "*/api/v1/analytics/traces";
const traceId = aTrace().trace_id;
const one = `*/api/v1/analytics/traces/${traceId}`;

// The first test waits for the pages' code to be transformed.
configure({ asyncUtilTimeout: 5_000 });

// Virtual rows need a height, which jsdom does not lay out.
beforeEach(() => {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(800);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1200);
});

function answerWith(traces = [aTrace()]) {
  const asked: URL[] = [];
  server.use(
    http.get(list, ({ request }) => {
      asked.push(new URL(request.url));
      return ok(traces);
    }),
    http.get(`${list}/facets`, () =>
      ok({
        fields: [
          {
            field: "status",
            values: [
              { value: "ok", count: 12 },
              { value: "error", count: 3 },
            ],
          },
        ],
      }),
    ),
  );
  return asked;
}

describe("the list of traces", () => {
  test("shows rows with the figures of each trace", async () => {
    answerWith([
      aTrace({ total_cost: "0.0042", error_count: 2, models: ["gpt-4o"], user_id: "u_7" }),
      aTrace({ trace_id: "f".repeat(32), name: "other", duration_ms: 12 }),
    ]);
    renderRoute("/acme/shop/traces");
    const row = (await screen.findByRole("link", { name: "support_agent" })).closest('[role="row"]');
    expect(row).toHaveTextContent(/9\.84 s/);
    expect(row).toHaveTextContent(/\$0\.0042/);
    expect(row).toHaveTextContent(/gpt-4o/);
    expect(screen.getByRole("link", { name: "other" })).toBeInTheDocument();
  });

  test("while it loads, rows of the same height stand in", async () => {
    server.use(http.get(list, () => new Promise<Response>(() => {})));
    renderRoute("/acme/shop/traces");
    expect(await screen.findByRole("status", { name: "Loading rows" })).toBeInTheDocument();
  });

  test("a project without traces leads to getting started", async () => {
    renderRoute("/acme/shop/traces");
    expect(await screen.findByRole("heading", { name: "No traces here yet" })).toBeVisible();
    const next = screen.getAllByRole("link", { name: "Getting started" });
    expect(next.length).toBeGreaterThan(0);
  });

  test("a failure says so, and trying again works", async () => {
    server.use(http.get(list, () => failure(500, "internal", "The store is away."), { once: true }));
    const { user } = renderRoute("/acme/shop/traces");
    expect(await screen.findByText("The store is away.")).toBeVisible();
    server.use(http.get(list, () => ok([aTrace()])));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "support_agent" })).toBeInTheDocument();
  });

  test("someone without the permission is told who can grant it", async () => {
    server.use(http.get(list, () => failure(403, "forbidden", "No.")));
    renderRoute("/acme/shop/traces");
    expect(await screen.findByRole("heading", { name: "You may not see this" })).toBeVisible();
  });

  test("a facet writes the filter that can be typed, and the API is asked with it", async () => {
    const asked = answerWith();
    const { router, user } = renderRoute("/acme/shop/traces");
    await user.click(await screen.findByRole("checkbox", { name: "error" }));
    await waitFor(() => expect(router.state.location.search).toMatchObject({ filter: "status:error" }));
    await waitFor(() => expect(asked.at(-1)?.searchParams.get("filter")).toBe("status:error"));
    expect(screen.getByRole("combobox", { name: "Filter traces" })).toHaveValue("status:error");
  });

  test("typing offers values with their counts; enter takes one, enter again applies", async () => {
    answerWith();
    const { router, user } = renderRoute("/acme/shop/traces");
    const bar = await screen.findByRole("combobox", { name: "Filter traces" });
    await screen.findByRole("checkbox", { name: "error" });
    await user.type(bar, "status:");
    expect(await screen.findByRole("option", { name: /error 3/ })).toBeInTheDocument();
    await user.keyboard("{ArrowDown}{ArrowDown}{Enter}{Escape}{Enter}");
    await waitFor(() => expect(router.state.location.search).toMatchObject({ filter: "status:error" }));
  });

  test("the environment of the top bar narrows the question", async () => {
    const asked = answerWith();
    renderRoute("/acme/shop/traces?filter=refund&env=production");
    await screen.findByRole("link", { name: "support_agent" });
    expect(asked.at(-1)?.searchParams.get("filter")).toBe("refund environment:production");
  });

  test("a filter that cannot be read is said at the field", async () => {
    server.use(
      http.get(list, () =>
        failure(400, "invalid_filter", "filter, at character 1: there is no field `modle`", {
          field: "filter",
          start: 0,
          end: 5,
        }),
      ),
    );
    renderRoute("/acme/shop/traces?filter=modle:x");
    expect(await screen.findByText("There is no field `modle`.")).toBeInTheDocument();
    expect(screen.getByRole("combobox", { name: "Filter traces" })).toBeInvalid();
  });

  test("a filter without a match can be cleared", async () => {
    const { router, user } = renderRoute("/acme/shop/traces?filter=nothing");
    expect(await screen.findByRole("heading", { name: "No trace matches" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear the filter" }));
    await waitFor(() => expect(router.state.location.search).not.toHaveProperty("filter"));
  });

  test("the end of a page brings the next one", async () => {
    const cursors: (string | null)[] = [];
    server.use(
      http.get(list, ({ request }) => {
        const cursor = new URL(request.url).searchParams.get("cursor");
        cursors.push(cursor);
        if (cursor) return ok([aTrace({ trace_id: "b".repeat(32), name: "second page" })]);
        return ok([aTrace()], { nextCursor: "next" });
      }),
    );
    renderRoute("/acme/shop/traces");
    expect(await screen.findByRole("link", { name: "second page" })).toBeInTheDocument();
    expect(cursors).toEqual([null, "next"]);
  });

  test("columns can be chosen, and the choice is kept", async () => {
    answerWith();
    const { user, unmount } = renderRoute("/acme/shop/traces");
    await user.click(await screen.findByRole("button", { name: "Columns" }));
    await user.click(await screen.findByRole("menuitemcheckbox", { name: "Models" }));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("columnheader", { name: "Models" })).toBeNull());
    unmount();
    renderRoute("/acme/shop/traces");
    await screen.findByRole("link", { name: "support_agent" });
    expect(screen.queryByRole("columnheader", { name: "Models" })).toBeNull();
  });

  test("live mode offers what is new and leaves the list alone", async () => {
    const newer = aTrace({ trace_id: "c".repeat(32), name: "just now", start_time: "2026-11-22T10:05:00Z" });
    let calls = 0;
    server.use(
      http.get(list, () => {
        calls += 1;
        return ok(calls === 1 ? [aTrace()] : [newer, aTrace()]);
      }),
    );
    const { user } = renderRoute("/acme/shop/traces?live=true");
    const offer = await screen.findByRole("button", { name: "1 new" });
    expect(screen.queryByRole("link", { name: "just now" })).toBeNull();
    await user.click(offer);
    expect(await screen.findByRole("link", { name: "just now" })).toBeInTheDocument();
  });

  test("j and enter open the drawer, escape closes it; the URL follows", async () => {
    answerWith();
    serveTrace();
    const { router, user } = renderRoute("/acme/shop/traces");
    await screen.findByRole("link", { name: "support_agent" });
    await user.keyboard("j{Enter}");
    const drawer = await screen.findByRole("complementary", { name: "Trace" });
    expect(await within(drawer).findByRole("heading", { name: "support_agent", level: 1 })).toBeVisible();
    expect(router.state.location.search).toMatchObject({ peek: traceId });
    await user.keyboard("{Escape}");
    await waitFor(() => expect(router.state.location.search).not.toHaveProperty("peek"));
  });
});

function serveTrace() {
  const root = anObservation({ type: "agent", name: "support_agent", observation_id: "00f067aa0ba902b7" });
  const failing = anObservation({
    observation_id: "aaaaaaaaaaaaaaaa",
    parent_observation_id: root.observation_id,
    name: "get_order",
    type: "tool",
    status: "error",
    status_message: "deadline exceeded",
  });
  const chat = anObservation({
    observation_id: "bbbbbbbbbbbbbbbb",
    parent_observation_id: root.observation_id,
    name: "chat gpt-4o",
    type: "generation",
    model: "gpt-4o",
    input: [{ role: "user", parts: [{ type: "text", content: "Where is my **parcel**?" }] }],
    output: [
      { role: "assistant", parts: [{ type: "text", content: "On its way <script>alert(1)</script>" }] },
    ],
    attributes: { "gen_ai.request.model": "gpt-4o", "app.flag": true },
    cost: { total: "0.0042", input: "0.0002", output: "0.004" },
    cost_source: "priced",
  });
  server.use(
    http.get(one, () => ok(aTrace())),
    http.get(`${one}/observations`, () => ok([root, failing, chat])),
  );
}

describe("a trace", () => {
  const at = `/acme/shop/traces/${traceId}`;

  test("shows its tree; choosing a row writes the URL and opens it", async () => {
    serveTrace();
    const { router, user } = renderRoute(at);
    await user.click(await screen.findByRole("treeitem", { name: /chat gpt-4o/ }));
    await waitFor(() =>
      expect(router.state.location.search).toMatchObject({ observation: "bbbbbbbbbbbbbbbb" }),
    );
    const panel = screen.getByRole("region", { name: "chat gpt-4o" });
    expect(await within(panel).findByText("parcel")).toBeVisible();
    expect(panel.querySelector("script")).toBeNull();
  });

  test("the URL alone selects an observation and a tab", async () => {
    serveTrace();
    renderRoute(`${at}?observation=bbbbbbbbbbbbbbbb&tab=attributes`);
    expect(await screen.findByRole("tab", { name: "Attributes", selected: true })).toBeVisible();
    expect(screen.getByText("gen_ai.request.model")).toBeVisible();
    expect(within(screen.getByRole("region", { name: "Other" })).getByText("app.flag")).toBeVisible();
  });

  test("each bucket of the cost is exact", async () => {
    serveTrace();
    renderRoute(`${at}?observation=bbbbbbbbbbbbbbbb&tab=cost`);
    expect(await screen.findByText("$0.0002")).toBeVisible();
    expect(screen.getByText("Brokle priced these tokens by its price table.")).toBeVisible();
  });

  test("e goes to the next error", async () => {
    serveTrace();
    const { router, user } = renderRoute(at);
    await screen.findByRole("treeitem", { name: /get_order/ });
    await user.keyboard("e");
    await waitFor(() =>
      expect(router.state.location.search).toMatchObject({ observation: "aaaaaaaaaaaaaaaa" }),
    );
    expect(await screen.findByText("deadline exceeded")).toBeVisible();
  });

  test("a search keeps what it found and its parents", async () => {
    serveTrace();
    const { user } = renderRoute(at);
    await user.type(await screen.findByRole("searchbox", { name: "Find an observation" }), "get_");
    await waitFor(() => expect(screen.queryByRole("treeitem", { name: /chat/ })).toBeNull());
    expect(screen.getAllByRole("treeitem")).toHaveLength(2);
  });

  test("pages of observations load until complete", async () => {
    server.use(
      http.get(one, () => ok(aTrace({ observation_count: 2 }))),
      http.get(`${one}/observations`, ({ request }) =>
        new URL(request.url).searchParams.has("cursor")
          ? ok([anObservation({ observation_id: "c".repeat(16), name: "late page" })])
          : ok([anObservation({ name: "early page" })], { nextCursor: "more" }),
      ),
    );
    renderRoute(at);
    expect(await screen.findByRole("treeitem", { name: /late page/ })).toBeInTheDocument();
    expect(screen.getByRole("treeitem", { name: /early page/ })).toBeInTheDocument();
  });

  test("a trace whose root has not arrived says so", async () => {
    server.use(
      http.get(one, () => ok(aTrace())),
      http.get(`${one}/observations`, () => ok([anObservation({ parent_observation_id: "d".repeat(16) })])),
    );
    renderRoute(at);
    expect(await screen.findByText(/The beginning of this trace has not arrived/)).toBeVisible();
  });

  test("while it loads, its shape stands in", async () => {
    server.use(http.get(one, () => new Promise<Response>(() => {})));
    renderRoute(at);
    expect(await screen.findByRole("status", { name: "Loading the trace" })).toBeInTheDocument();
  });

  test("one that is not here may be looked for again", async () => {
    server.use(http.get(one, () => failure(404, "trace_not_found", "There is no such trace.")));
    const { user } = renderRoute(at);
    expect(await screen.findByRole("heading", { name: "This trace is not here" })).toBeVisible();
    serveTrace();
    await user.click(screen.getByRole("button", { name: "Look again" }));
    expect(await screen.findByRole("heading", { name: "support_agent", level: 1 })).toBeVisible();
  });

  test("a failure says so, and trying again works", async () => {
    server.use(http.get(one, () => failure(500, "internal", "The store is away."), { once: true }));
    const { user } = renderRoute(at);
    expect(await screen.findByText("The store is away.")).toBeVisible();
    serveTrace();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { name: "support_agent", level: 1 })).toBeVisible();
  });

  test("someone without the permission is told", async () => {
    server.use(http.get(one, () => failure(403, "forbidden", "No.")));
    renderRoute(at);
    expect(await screen.findByRole("heading", { name: "You may not see this" })).toBeVisible();
  });

  test("the trace is saved as OTLP/JSON", async () => {
    serveTrace();
    server.use(http.get(`${one}/otlp`, () => HttpResponse.json({ resourceSpans: [] })));
    const saved = vi.fn(() => "blob:saved");
    vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: saved, revokeObjectURL: () => {} }));
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockReturnValue();
    const { user } = renderRoute(at);
    await user.click(await screen.findByRole("button", { name: "Download as OTLP/JSON" }));
    await waitFor(() => expect(saved).toHaveBeenCalledOnce());
  });
});
