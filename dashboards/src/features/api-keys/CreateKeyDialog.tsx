import { useIsMutating } from "@tanstack/react-query";
import { Button } from "@/components/core/Button";
import { Dialog } from "@/components/core/Dialog";
import type { CreatedApiKey } from "@/lib/api/types";
import { CreateKeyForm } from "./CreateKeyForm";
import { createApiKeyKey } from "./mutations";

type CreateKeyDialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (created: CreatedApiKey) => void;
};

const formId = "create-api-key";

export function CreateKeyDialog({ open, onOpenChange, onCreated }: CreateKeyDialogProps) {
  const creating = useIsMutating({ mutationKey: createApiKeyKey }) > 0;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Create API key"
      description="One key per application makes it easy to revoke one alone."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" form={formId} variant="primary" pending={creating}>
            Create key
          </Button>
        </>
      }
    >
      <CreateKeyForm id={formId} onCreated={onCreated} />
    </Dialog>
  );
}
