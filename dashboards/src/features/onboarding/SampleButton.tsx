import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { Button } from "@/components/core/Button";
import { useProject } from "@/features/projects/useProject";
import { ApiError, describeError } from "@/lib/api/errors";
import { newestTraceQuery } from "./queries";
import { sendSampleTrace } from "./sample-trace";

/** Proves the way in without writing a line: sends a small trace with the key on this page. */
export function SampleButton({ apiKey }: { apiKey: string | undefined }) {
  const { project } = useProject();
  const queryClient = useQueryClient();
  const send = useMutation({
    mutationFn: sendSampleTrace,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: newestTraceQuery(project.id).queryKey }),
  });
  return (
    <div className="flex flex-wrap items-center justify-end gap-2">
      <span role="status" className="text-muted-foreground text-xs">
        {send.isSuccess ? "Sent and stored." : null}
        {send.error ? <span className="text-destructive">Not sent: {refusal(send.error)}</span> : null}
        {apiKey ? null : "Needs a key from step 1."}
      </span>
      <Button disabled={!apiKey} pending={send.isPending} onClick={() => apiKey && send.mutate(apiKey)}>
        <Send aria-hidden /> Send a sample trace
      </Button>
    </div>
  );
}

/** The collector's own words: its 401 is about the key and not about the session. */
function refusal(error: Error): string {
  return error instanceof ApiError && error.status > 0 ? error.message : describeError(error).text;
}
