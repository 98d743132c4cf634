import { Label } from "radix-ui";
import { type ReactNode, useId } from "react";

type FieldControl = { id: string; "aria-describedby"?: string; "aria-invalid"?: true };

type FieldProps = {
  label: ReactNode;
  hint?: ReactNode;
  error?: string;
  /** Receives the attributes that tie the control to its label, hint and error. */
  children: (control: FieldControl) => ReactNode;
};

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="flex flex-col gap-1.5">
      <Label.Root htmlFor={id} className="font-medium text-sm">
        {label}
      </Label.Root>
      {children({
        id,
        "aria-describedby": note ? noteId : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {note ? (
        <p
          id={noteId}
          role={error ? "alert" : undefined}
          className={error ? "text-destructive text-xs" : "text-muted-foreground text-xs"}
        >
          {note}
        </p>
      ) : null}
    </div>
  );
}
