import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { onSessionEnd } from "./lib/api/session";
import { createQueryClient } from "./lib/query-client";
import { createAppRouter } from "./router";
import "./styles/app.css";

const queryClient = createQueryClient();
const router = createAppRouter(queryClient);

// What one person has seen must not wait in memory for the next one.
onSessionEnd(() => {
  queryClient.clear();
  void router.invalidate();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App queryClient={queryClient} router={router} />
    </StrictMode>,
  );
}
