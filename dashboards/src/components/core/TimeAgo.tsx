import { formatAbsolute, formatRelative } from "@/lib/format/time";
import { useNow } from "@/lib/useNow";
import { Tooltip } from "./Tooltip";

/** A moment relative to now, absolute with its zone on hover. */
export function TimeAgo({ moment, className }: { moment: string; className?: string }) {
  const now = useNow();
  return (
    <Tooltip content={formatAbsolute(moment)}>
      <time dateTime={moment} className={className}>
        {formatRelative(moment, Math.max(now, Date.now()))}
      </time>
    </Tooltip>
  );
}
