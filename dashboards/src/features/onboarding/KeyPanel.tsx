import { KeyRound, TriangleAlert } from "lucide-react";
import { Button } from "@/components/core/Button";
import { CopyButton } from "@/components/core/CopyButton";
import { FormError } from "@/components/core/FormError";
import { useCreateApiKey } from "@/features/api-keys/mutations";
import { allScopes } from "@/features/api-keys/scopes";
import { useProject } from "@/features/projects/useProject";
import { describeError } from "@/lib/api/errors";
import { keepFreshKey } from "./fresh-key";

type KeyPanelProps = { apiKey: string | undefined; endpoint: string };

export function KeyPanel({ apiKey, endpoint }: KeyPanelProps) {
  return (
    <div className="rounded-md border border-border bg-surface">
      <div className="divide-y divide-border">
        <KeyRow name="Endpoint" value={endpoint} copyLabel="Copy the endpoint" />
        {apiKey ? <KeyRow name="API key" value={apiKey} copyLabel="Copy the API key" /> : <NoKeyRow />}
      </div>
      {apiKey ? (
        <p className="flex items-center gap-2 border-border border-t px-3 py-2 text-warning text-xs">
          <TriangleAlert aria-hidden className="size-3.5 shrink-0" />
          This key is shown only now. Copy it to a safe place; only its hash is stored.
        </p>
      ) : null}
    </div>
  );
}

function KeyRow({ name, value, copyLabel }: { name: string; value: string; copyLabel: string }) {
  return (
    <div className="flex items-center gap-3 px-3 py-1.5">
      <span className="w-18 shrink-0 text-muted-foreground text-xs">{name}</span>
      <code className="min-w-0 flex-1 break-all font-mono text-xs">{value}</code>
      <CopyButton text={value} label={copyLabel} side="left" />
    </div>
  );
}

/** A key can be read only when it is made, so someone who comes back makes another one. */
function NoKeyRow() {
  const { project } = useProject();
  const createKey = useCreateApiKey();
  function create() {
    const wanted = { projectId: project.id, name: "Getting started", scopes: allScopes };
    createKey.mutate(wanted, { onSuccess: ({ key }) => keepFreshKey(project.id, key) });
  }
  return (
    <div className="flex flex-col gap-2 px-3 py-1.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="w-18 shrink-0 text-muted-foreground text-xs">API key</span>
        <p className="min-w-40 flex-1 text-muted-foreground text-xs">
          Keys are shown once. Make one here and the examples below will hold it.
        </p>
        <Button pending={createKey.isPending} onClick={create}>
          <KeyRound aria-hidden /> Create a key
        </Button>
      </div>
      {createKey.error ? <FormError message={describeError(createKey.error).text} /> : null}
    </div>
  );
}
