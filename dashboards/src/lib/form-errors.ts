import type { FieldValues, Path, UseFormSetError } from "react-hook-form";
import { describeError, fieldErrors } from "./api/errors";

/**
 * Puts a server's refusal where a person looks: beside the field it names, or else above the form's button (the
 * `root` error).
 */
export function showServerError<Values extends FieldValues>(
  error: unknown,
  fields: readonly Path<Values>[],
  setError: UseFormSetError<Values>,
): void {
  const named = fieldErrors(error);
  const hits = fields.filter((field) => named[field] !== undefined);
  for (const field of hits) setError(field, { type: "server", message: named[field] }, { shouldFocus: true });
  if (hits.length === 0) setError("root", { type: "server", message: describeError(error).text });
}
