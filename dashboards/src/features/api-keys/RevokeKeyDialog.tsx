import { ConfirmDialog } from "@/components/core/ConfirmDialog";
import { useProject } from "@/features/projects/useProject";
import { describeError } from "@/lib/api/errors";
import type { ApiKey } from "@/lib/api/types";
import { showToast } from "@/lib/toasts";
import { useRevokeApiKey } from "./mutations";

type RevokeKeyDialogProps = { apiKey: ApiKey | undefined; onClosed: () => void };

export function RevokeKeyDialog({ apiKey, onClosed }: RevokeKeyDialogProps) {
  const { project } = useProject();
  const revoke = useRevokeApiKey(project.id);

  function close() {
    revoke.reset();
    onClosed();
  }

  function confirm(key: ApiKey) {
    revoke.mutate(key.id, {
      onSuccess: () => {
        close();
        showToast(`${key.name} revoked`, { text: "Calls with it are refused from now on." });
      },
    });
  }

  return (
    <ConfirmDialog
      open={apiKey !== undefined}
      onOpenChange={(open) => {
        if (!open) close();
      }}
      title={`Revoke ${apiKey?.name ?? "this key"}?`}
      description={
        <>
          Whatever uses <code className="font-mono text-xs">{apiKey?.preview}</code> stops working within
          seconds. This cannot be undone; what it sent stays.
        </>
      }
      confirmLabel="Revoke key"
      pending={revoke.isPending}
      error={revoke.error ? describeError(revoke.error).text : undefined}
      onConfirm={() => apiKey && confirm(apiKey)}
    />
  );
}
