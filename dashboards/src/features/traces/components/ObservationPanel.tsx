import { ArrowLeft } from "lucide-react";
import { Badge } from "@/components/core/Badge";
import { CopyText } from "@/components/core/CopyText";
import { IconButton } from "@/components/core/IconButton";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/core/Tabs";
import { AttemptStory } from "@/components/trace/AttemptStory";
import { AttributesTab } from "@/components/trace/AttributesTab";
import { attemptsOf } from "@/components/trace/attempts";
import { ConversationTab } from "@/components/trace/ConversationTab";
import { CostTab } from "@/components/trace/CostTab";
import { EventsTab } from "@/components/trace/EventsTab";
import { ObservationTypeIcon } from "@/components/trace/ObservationTypeIcon";
import { RawTab } from "@/components/trace/RawTab";
import type { TraceTree, TreeNode } from "@/components/trace/tree";
import { shortId } from "@/lib/format/id";
import { type ObservationTab, observationTabs } from "../search-params";
import { ObservationFacts } from "./ObservationFacts";

type ObservationPanelProps = {
  tree: TraceTree;
  node: TreeNode;
  tab: ObservationTab | undefined;
  onTabChanged: (tab: ObservationTab) => void;
  onSelected: (id: string | undefined) => void;
};

const titles: Record<ObservationTab, string> = {
  conversation: "Conversation",
  raw: "Raw",
  attributes: "Attributes",
  events: "Events",
  cost: "Cost",
};
const panes: Record<ObservationTab, typeof RawTab> = {
  conversation: ConversationTab,
  raw: RawTab,
  attributes: AttributesTab,
  events: EventsTab,
  cost: CostTab,
};

/** The selected observation, from every side. */
export function ObservationPanel({
  tree,
  node,
  tab = "conversation",
  onTabChanged,
  onSelected,
}: ObservationPanelProps) {
  const { observation } = node;
  const attempts = attemptsOf(tree, node);
  return (
    <section aria-label={observation.name} className="@container flex min-h-0 flex-1 flex-col">
      <header className="shrink-0 px-4 pt-2 pb-1.5">
        <div className="flex h-7 items-center gap-2">
          <IconButton
            label="Back to the tree"
            size="icon-sm"
            className="-ml-1.5 md:hidden"
            onClick={() => onSelected(undefined)}
          >
            <ArrowLeft />
          </IconButton>
          <ObservationTypeIcon type={observation.type} />
          <h2 className="min-w-0 truncate font-medium text-sm" title={observation.name}>
            {observation.name || "unnamed"}
          </h2>
          {node.failed ? <Badge tone="destructive">Error</Badge> : null}
          <CopyText
            text={observation.observation_id}
            display={shortId(observation.observation_id)}
            className="ml-auto"
          />
        </div>
        <ObservationFacts observation={observation} />
      </header>
      {observation.status_message ? (
        <p
          data-failed={node.failed || undefined}
          className="mx-4 mb-2 max-h-32 shrink-0 overflow-y-auto whitespace-pre-wrap rounded-md bg-sunken px-2.5 py-1.5 font-mono text-xs [overflow-wrap:anywhere] data-failed:bg-destructive-soft data-failed:text-destructive"
        >
          {observation.status_message}
        </p>
      ) : null}
      {attempts.length > 0 ? <AttemptStory attempts={attempts} onSelected={onSelected} /> : null}
      <Tabs
        value={tab}
        onValueChange={(value) => {
          const chosen = observationTabs.find((candidate) => candidate === value);
          if (chosen) onTabChanged(chosen);
        }}
        className="flex min-h-0 flex-1 flex-col"
      >
        <TabsList className="px-4">
          {observationTabs.map((value) => (
            <TabsTrigger key={value} value={value}>
              {titles[value]}
              {value === "events" && observation.events.length > 0 ? (
                <span className="text-faint-foreground text-xs tabular-nums">
                  {observation.events.length}
                </span>
              ) : null}
            </TabsTrigger>
          ))}
        </TabsList>
        {observationTabs.map((value) => {
          const Pane = panes[value];
          return (
            <TabsContent
              key={value}
              value={value}
              className="min-h-0 flex-1 overflow-y-auto focus-visible:outline-offset-[-2px]"
            >
              <Pane observation={observation} />
            </TabsContent>
          );
        })}
      </Tabs>
    </section>
  );
}
