import { PageBody } from "@/components/frame/PageBody";
import { PageHeader } from "@/components/frame/PageHeader";
import { useProject } from "@/features/projects/useProject";
import { FirstTrace } from "./FirstTrace";
import { useFreshKey } from "./fresh-key";
import { KeyPanel } from "./KeyPanel";
import { SampleButton } from "./SampleButton";
import { SnippetTabs } from "./SnippetTabs";
import { Step } from "./Step";
import { keyPlaceholder } from "./snippets";

/** From a key to the first trace, on one page. */
export function GettingStartedPage() {
  const { project } = useProject();
  const key = useFreshKey(project.id);
  const endpoint = window.location.origin;

  return (
    <PageBody>
      <PageHeader
        title="Send your first trace"
        description="Anything that speaks OpenTelemetry works, and so does any OpenAI client pointed at the gateway."
      />
      <FirstTrace />
      <ol className="flex flex-col gap-8">
        <Step number={1} title="Your key and endpoint">
          <KeyPanel apiKey={key} endpoint={endpoint} />
        </Step>
        <Step number={2} title="Send something" aside={<SampleButton apiKey={key} />}>
          <SnippetTabs endpoint={endpoint} apiKey={key ?? keyPlaceholder} />
        </Step>
      </ol>
    </PageBody>
  );
}
