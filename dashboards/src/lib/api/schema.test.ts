import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("the types are those of docs/reference/openapi.json (npm run gen:api renews them)", async () => {
  const description = pathToFileURL(resolve("../docs/reference/openapi.json"));
  const fresh = astToString(await openapiTS(description));
  const committed = await readFile("src/lib/api/schema.gen.ts", "utf8");
  expect(committed.endsWith(fresh), "schema.gen.ts is stale").toBe(true);
});
