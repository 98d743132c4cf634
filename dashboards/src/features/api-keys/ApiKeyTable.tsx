import { useState } from "react";
import { Badge } from "@/components/core/Badge";
import { Button } from "@/components/core/Button";
import { Skeleton } from "@/components/core/Skeleton";
import { TimeAgo } from "@/components/core/TimeAgo";
import type { ApiKey } from "@/lib/api/types";
import { useNow } from "@/lib/useNow";
import { RevokeKeyDialog } from "./RevokeKeyDialog";

const rowClasses = "border-border border-t first:border-t-0";
const headClasses = "h-8 px-3 text-left font-medium";
const wideOnly = "hidden md:table-cell";
const cellClasses = "h-11 px-3 text-left align-middle";

export function ApiKeyTable({ keys }: { keys: ApiKey[] }) {
  const [revoking, setRevoking] = useState<ApiKey>();
  return (
    <div className="overflow-x-auto rounded-md border border-border bg-surface">
      <table className="w-full border-collapse tabular-nums">
        <thead>
          <tr className="bg-sunken text-muted-foreground text-xs">
            <th className={headClasses}>Name</th>
            <th className={`${headClasses} ${wideOnly}`}>Key</th>
            <th className={`${headClasses} ${wideOnly}`}>Scopes</th>
            <th className={`${headClasses} ${wideOnly}`}>Created</th>
            <th className={headClasses}>Last used</th>
            <th className={headClasses}>
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody className="border-border border-t">
          {keys.map((key) => (
            <ApiKeyRow key={key.id} apiKey={key} onRevokeRequested={() => setRevoking(key)} />
          ))}
        </tbody>
      </table>
      <RevokeKeyDialog apiKey={revoking} onClosed={() => setRevoking(undefined)} />
    </div>
  );
}

function ApiKeyRow({ apiKey, onRevokeRequested }: { apiKey: ApiKey; onRevokeRequested: () => void }) {
  return (
    <tr className={rowClasses}>
      <td className={`${cellClasses} max-w-40 font-medium md:max-w-52`}>
        <span className="block truncate">{apiKey.name}</span>
        {/* Narrow screens have no column for the preview. */}
        <span className="block truncate font-mono font-normal text-2xs text-muted-foreground md:hidden">
          {apiKey.preview}
        </span>
      </td>
      <td className={`${cellClasses} ${wideOnly} whitespace-nowrap font-mono text-muted-foreground text-xs`}>
        {apiKey.preview}
      </td>
      <td className={`${cellClasses} ${wideOnly}`}>
        <span className="flex gap-1">
          {apiKey.scopes.map((scope) => (
            <Badge key={scope} tone="outline">
              {scope}
            </Badge>
          ))}
        </span>
      </td>
      <td className={`${cellClasses} ${wideOnly} whitespace-nowrap text-muted-foreground`}>
        <TimeAgo moment={apiKey.created_at} />
        <Expiry moment={apiKey.expires_at} />
      </td>
      <td className={`${cellClasses} whitespace-nowrap text-muted-foreground`}>
        {apiKey.last_used_at ? <TimeAgo moment={apiKey.last_used_at} /> : "Never"}
      </td>
      <td className={`${cellClasses} text-right`}>
        <Button
          variant="ghost"
          size="sm"
          onClick={onRevokeRequested}
          aria-label={`Revoke ${apiKey.name}`}
          className="hover:text-destructive"
        >
          Revoke
        </Button>
      </td>
    </tr>
  );
}

function Expiry({ moment }: { moment: string | null | undefined }) {
  const now = useNow();
  if (!moment) return null;
  if (Date.parse(moment) <= now) {
    return (
      <Badge tone="destructive" className="ml-2">
        expired
      </Badge>
    );
  }
  return (
    <span className="text-faint-foreground">
      , expires <TimeAgo moment={moment} />
    </span>
  );
}

export function ApiKeyTableSkeleton() {
  return (
    <div role="status" aria-label="Loading the keys" className="rounded-md border border-border bg-surface">
      <div className="h-8 border-border border-b bg-sunken" />
      {["first", "second", "third"].map((row) => (
        <div key={row} className={`flex h-11 items-center gap-6 px-3 ${rowClasses}`}>
          <Skeleton className="h-4 w-36" />
          <Skeleton className="h-4 w-44" />
          <Skeleton className="h-4 w-24" />
        </div>
      ))}
    </div>
  );
}
