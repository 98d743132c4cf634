import { SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/core/Button";
import { CopyText } from "@/components/core/CopyText";
import { EmptyState } from "@/components/core/EmptyState";

type TraceMissingProps = { traceId: string; looking: boolean; onLookedAgain: () => void; back: ReactNode };

/** An id may be known a moment before its trace is: the page goes on looking for a while, and says so. */
export function TraceMissing({ traceId, looking, onLookedAgain, back }: TraceMissingProps) {
  return (
    <EmptyState
      icon={SearchX}
      title="This trace is not here"
      action={
        <>
          <Button onClick={onLookedAgain} pending={looking}>
            Look again
          </Button>
          {back}
        </>
      }
    >
      <CopyText text={traceId} display={traceId} className="break-all" />
      <p className="mt-2">
        It belongs to another project, was deleted, or is still on its way: a trace can be seen about two
        seconds after it was sent.
      </p>
    </EmptyState>
  );
}
