import { useId } from "react";
import { Checkbox } from "@/components/core/Checkbox";
import type { Scope } from "@/lib/api/types";
import { allScopes, scopes } from "./scopes";

type ScopeChoiceProps = { chosen: Scope[]; onChosen: (scopes: Scope[]) => void; error: string | undefined };

export function ScopeChoice({ chosen, onChosen, error }: ScopeChoiceProps) {
  const id = useId();
  function change(scope: Scope, wanted: boolean) {
    onChosen(allScopes.filter((other) => (other === scope ? wanted : chosen.includes(other))));
  }
  return (
    <fieldset aria-describedby={error ? `${id}-error` : undefined}>
      <legend className="mb-1.5 font-medium text-sm">Scopes</legend>
      <div className="flex flex-col rounded-md border border-border">
        {scopes.map(({ value, label, description }) => (
          <label
            key={value}
            htmlFor={`${id}-${value}`}
            className="flex cursor-pointer items-center gap-2.5 border-border border-t px-2.5 py-2 first:border-t-0 hover:bg-hover"
          >
            <Checkbox
              id={`${id}-${value}`}
              checked={chosen.includes(value)}
              onCheckedChange={(checked) => change(value, checked === true)}
            />
            <span className="w-16 font-medium text-sm">{label}</span>
            <span className="text-muted-foreground text-xs">{description}</span>
          </label>
        ))}
      </div>
      {error ? (
        <p id={`${id}-error`} role="alert" className="mt-1.5 text-destructive text-xs">
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}
