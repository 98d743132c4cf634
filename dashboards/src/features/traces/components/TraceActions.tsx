import { useMutation } from "@tanstack/react-query";
import { Check, Download, Link2 } from "lucide-react";
import { IconButton } from "@/components/core/IconButton";
import { useProject } from "@/features/projects/useProject";
import { describeError } from "@/lib/api/errors";
import type { Trace } from "@/lib/api/types";
import { showToast } from "@/lib/toasts";
import { useCopy } from "@/lib/useCopy";
import { fetchOtlp } from "../queries";
import { saveFile } from "../save-file";

/** Copies the link to this trace and what is selected in it; saves the trace as OTLP/JSON. */
export function TraceActions({ trace }: { trace: Trace }) {
  const { organization, project } = useProject();
  const { copied, copy } = useCopy();
  const download = useMutation({
    mutationFn: () => fetchOtlp(project.id, trace.trace_id),
    onSuccess: (text) => saveFile(`trace-${trace.trace_id}.json`, "application/json", text),
    onError: (error) =>
      showToast("The trace could not be downloaded", { text: describeError(error).text, tone: "error" }),
  });

  function linkHere(): string {
    const here = new URL(window.location.href);
    const link = new URL(`/${organization.slug}/${project.slug}/traces/${trace.trace_id}`, here);
    for (const name of ["observation", "tab"]) {
      const value = here.searchParams.get(name);
      if (value) link.searchParams.set(name, value);
    }
    return link.href;
  }

  return (
    <>
      <IconButton label={copied ? "Link copied" : "Copy the link"} onClick={() => void copy(linkHere())}>
        {copied ? <Check className="text-success" /> : <Link2 />}
      </IconButton>
      <IconButton
        label="Download as OTLP/JSON"
        pending={download.isPending}
        onClick={() => download.mutate()}
      >
        {download.isPending ? null : <Download />}
      </IconButton>
    </>
  );
}
