/** One icon and one hue for each type of observation: the same in the tree, the waterfall and every chip. */
import {
  Bot,
  CircleDot,
  Cpu,
  FileSearch,
  GitCommitHorizontal,
  Grid3x3,
  Link2,
  ListOrdered,
  type LucideIcon,
  ShieldCheck,
  Sparkles,
  Workflow,
  Wrench,
  Zap,
} from "lucide-react";

type ObservationTypeLook = { label: string; icon: LucideIcon; text: string; fill: string };

const span: ObservationTypeLook = {
  label: "Span",
  icon: GitCommitHorizontal,
  text: "text-obs-span",
  fill: "bg-obs-span",
};

const looks: Record<string, ObservationTypeLook> = {
  span,
  generation: { label: "Generation", icon: Sparkles, text: "text-obs-generation", fill: "bg-obs-generation" },
  embedding: { label: "Embedding", icon: Grid3x3, text: "text-obs-embedding", fill: "bg-obs-embedding" },
  agent: { label: "Agent", icon: Bot, text: "text-obs-agent", fill: "bg-obs-agent" },
  tool: { label: "Tool", icon: Wrench, text: "text-obs-tool", fill: "bg-obs-tool" },
  chain: { label: "Chain", icon: Link2, text: "text-obs-chain", fill: "bg-obs-chain" },
  retrieval: { label: "Retrieval", icon: FileSearch, text: "text-obs-retrieval", fill: "bg-obs-retrieval" },
  rerank: { label: "Rerank", icon: ListOrdered, text: "text-obs-rerank", fill: "bg-obs-rerank" },
  guardrail: { label: "Guardrail", icon: ShieldCheck, text: "text-obs-guardrail", fill: "bg-obs-guardrail" },
  evaluator: { label: "Evaluator", icon: CircleDot, text: "text-obs-evaluator", fill: "bg-obs-evaluator" },
  event: { label: "Event", icon: Zap, text: "text-obs-event", fill: "bg-obs-event" },
  workflow: { label: "Workflow", icon: Workflow, text: "text-obs-workflow", fill: "bg-obs-workflow" },
};

/** How a type looks; one that is not known here looks like a plain span under its own name. */
export function observationType(type: string): ObservationTypeLook {
  return looks[type] ?? { ...span, label: type, icon: Cpu };
}
