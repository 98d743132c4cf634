import { ListTree } from "lucide-react";
import { EmptyState } from "@/components/core/EmptyState";

export function TracePage() {
  return <EmptyState icon={ListTree} title="No trace yet" />;
}
