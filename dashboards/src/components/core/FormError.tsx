import { CircleAlert } from "lucide-react";

/** What went wrong with the whole form, above its button. */
export function FormError({ message }: { message: string | undefined }) {
  if (!message) return null;
  return (
    <p
      role="alert"
      className="flex items-start gap-2 rounded-md bg-destructive-soft px-2.5 py-2 text-destructive text-sm"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      {message}
    </p>
  );
}
