import { type FormEvent, useState } from "react";
import { Button } from "@/components/core/Button";
import { Field } from "@/components/core/Field";
import { Input } from "@/components/core/Input";
import { localInputValue, momentOfLocalInput } from "@/lib/local-input";

type CustomRangeFormProps = {
  initial: { from: string; to: string };
  onApplied: (from: string, to: string) => void;
};

export function CustomRangeForm({ initial, onApplied }: CustomRangeFormProps) {
  const [from, setFrom] = useState(() => localInputValue(new Date(initial.from)));
  const [to, setTo] = useState(() => localInputValue(new Date(initial.to)));
  const [error, setError] = useState<string>();

  function submit(event: FormEvent) {
    event.preventDefault();
    const start = momentOfLocalInput(from);
    const end = momentOfLocalInput(to);
    if (!start || !end) setError("Give both moments.");
    else if (start >= end) setError("The start must come before the end.");
    else onApplied(start.toISOString(), end.toISOString());
  }

  return (
    <form
      noValidate
      onSubmit={submit}
      className="flex flex-col gap-3 border-border border-t p-2 sm:w-56 sm:border-t-0 sm:border-l sm:pl-4"
    >
      <Field label="From">
        {(control) => (
          <Input
            {...control}
            type="datetime-local"
            value={from}
            onChange={(event) => setFrom(event.target.value)}
          />
        )}
      </Field>
      <Field label="To" error={error} hint={`Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`}>
        {(control) => (
          <Input
            {...control}
            type="datetime-local"
            value={to}
            onChange={(event) => setTo(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary">
        Apply
      </Button>
    </form>
  );
}
