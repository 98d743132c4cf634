import { CircleAlert, Lock, SearchX, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, describeError } from "@/lib/api/errors";
import { Button } from "./Button";
import { CopyText } from "./CopyText";
import { Message } from "./Message";

type ErrorStateProps = {
  error: unknown;
  /** What could not be done, for instance "Traces could not be loaded". */
  title?: string;
  onRetry?: () => void;
  retrying?: boolean;
  action?: ReactNode;
  className?: string;
};

/** A failure as a person can use it: what happened, whether anything was lost, what to do. */
export function ErrorState({ error, title, onRetry, retrying, action, className }: ErrorStateProps) {
  const words = describeError(error);
  const requestId = error instanceof ApiError ? error.requestId : undefined;
  return (
    <Message
      role="alert"
      icon={iconFor(error)}
      tone={words.kind === "failed" ? "destructive" : "neutral"}
      title={words.kind === "failed" && title ? title : words.title}
      className={className}
      action={
        <>
          {onRetry && words.retryable ? (
            <Button onClick={onRetry} pending={retrying}>
              Try again
            </Button>
          ) : null}
          {action}
        </>
      }
    >
      <p>{words.text}</p>
      {requestId ? (
        <p className="mt-2 text-2xs">
          Request <CopyText text={requestId} className="text-2xs" />
        </p>
      ) : null}
    </Message>
  );
}

function iconFor(error: unknown) {
  const kind = describeError(error).kind;
  if (kind === "forbidden") return Lock;
  if (kind === "missing") return SearchX;
  if (kind === "offline") return Unplug;
  return CircleAlert;
}
