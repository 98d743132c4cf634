import { Button } from "@/components/core/Button";
import { CodeBlock } from "@/components/core/CodeBlock";
import { Dialog } from "@/components/core/Dialog";
import type { CreatedApiKey } from "@/lib/api/types";

type KeyOnceDialogProps = { created: CreatedApiKey | undefined; onClosed: () => void };

/** Shows a new key. Closes only by its button: a stray click must not take the key away. */
export function KeyOnceDialog({ created, onClosed }: KeyOnceDialogProps) {
  return (
    <Dialog
      open={created !== undefined}
      onOpenChange={(open) => {
        if (!open) onClosed();
      }}
      dismissible={false}
      title={`${created?.name ?? "Key"} is ready`}
      description="This is the only time it is shown: only its hash is stored. Copy it to a safe place now."
      className="max-w-lg"
      footer={
        <Button variant="primary" onClick={onClosed}>
          I have copied it
        </Button>
      }
    >
      <CodeBlock code={created?.key ?? ""} label="Copy the key" className="whitespace-pre-wrap break-all" />
    </Dialog>
  );
}
