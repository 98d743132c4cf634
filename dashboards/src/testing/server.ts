import { setupServer } from "msw/node";
import { handlers } from "./handlers";

/** The API as tests see it. A test replaces single answers with `server.use(...)`. */
export const server = setupServer(...handlers);
