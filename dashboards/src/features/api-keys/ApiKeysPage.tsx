import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/core/Button";
import { EmptyState } from "@/components/core/EmptyState";
import { ErrorState } from "@/components/core/ErrorState";
import { PageBody } from "@/components/frame/PageBody";
import { PageHeader } from "@/components/frame/PageHeader";
import { useProject } from "@/features/projects/useProject";
import type { CreatedApiKey } from "@/lib/api/types";
import { ApiKeyTable, ApiKeyTableSkeleton } from "./ApiKeyTable";
import { CreateKeyDialog } from "./CreateKeyDialog";
import { KeyOnceDialog } from "./KeyOnceDialog";
import { apiKeysQuery } from "./queries";

export function ApiKeysPage() {
  const { project } = useProject();
  const [creating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedApiKey>();
  const keys = useQuery(apiKeysQuery(project.id));

  const createButton = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden /> Create key
    </Button>
  );

  return (
    <PageBody>
      <PageHeader
        title="API keys"
        description={`Applications use them to send telemetry to ${project.name} and to call models through the gateway.`}
        actions={keys.data?.length ? createButton : undefined}
      />
      {keys.isPending ? <ApiKeyTableSkeleton /> : null}
      {keys.error ? (
        <ErrorState
          error={keys.error}
          title="The keys could not be loaded"
          onRetry={() => void keys.refetch()}
          retrying={keys.isFetching}
        />
      ) : null}
      {keys.data?.length === 0 ? (
        <EmptyState icon={KeyRound} title="No keys yet" action={createButton}>
          Without a key nothing can be sent to this project.
        </EmptyState>
      ) : null}
      {keys.data?.length ? <ApiKeyTable keys={keys.data} /> : null}
      <CreateKeyDialog
        open={creating}
        onOpenChange={setCreating}
        onCreated={(key) => {
          setCreating(false);
          setCreated(key);
        }}
      />
      <KeyOnceDialog created={created} onClosed={() => setCreated(undefined)} />
    </PageBody>
  );
}
