import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Message } from "./Message";

type EmptyStateProps = {
  icon?: LucideIcon;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
};

/** Nothing here yet: says why, and what to do next. */
export function EmptyState(props: EmptyStateProps) {
  return <Message role="status" {...props} />;
}
