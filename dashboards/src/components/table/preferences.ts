/** Which columns a person shows, in which order and width. Kept per browser and person: a shared link does not change them. */
import { useState } from "react";
import * as z from "zod";

const schema = z.object({
  visibility: z.record(z.string(), z.boolean()).catch({}),
  sizing: z.record(z.string(), z.number()).catch({}),
  order: z.array(z.string()).catch([]),
});

export type TablePreferences = z.infer<typeof schema>;

const none: TablePreferences = { visibility: {}, sizing: {}, order: [] };

export function useTablePreferences(key: string) {
  const [preferences, setPreferences] = useState(() => read(key));
  function change(next: TablePreferences) {
    setPreferences(next);
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }
  return { preferences, change, reset: () => change(none) };
}

function read(key: string): TablePreferences {
  try {
    return schema.parse(JSON.parse(localStorage.getItem(key) ?? "{}"));
  } catch {
    return none;
  }
}
