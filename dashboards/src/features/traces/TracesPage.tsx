import { ListTree } from "lucide-react";
import { EmptyState } from "@/components/core/EmptyState";

export function TracesPage() {
  return <EmptyState icon={ListTree} title="No traces yet" />;
}
