import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "@/App";
import { onSessionEnd } from "@/lib/api/session";
import { createQueryClient } from "@/lib/query-client";
import { createAppRouter } from "@/router";

const listening: (() => void)[] = [];

/** Called after each test: an app of an earlier test must not react to the sign-out that cleans up. */
export function forgetRenderedApps(): void {
  for (const stop of listening.splice(0)) stop();
}

/** Renders the app at an address, with the real router and query client. Failed requests are not tried again. */
export function renderRoute(path: string) {
  const queryClient = createQueryClient();
  queryClient.setDefaultOptions({ queries: { ...queryClient.getDefaultOptions().queries, retry: false } });
  const router = createAppRouter(queryClient, createMemoryHistory({ initialEntries: [path] }));
  listening.push(
    onSessionEnd(() => {
      queryClient.clear();
      void router.invalidate();
    }),
  );
  const user = userEvent.setup();
  const view = render(<App queryClient={queryClient} router={router} />);
  return { ...view, router, queryClient, user };
}
