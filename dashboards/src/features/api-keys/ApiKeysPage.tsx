import { PageBody } from "@/components/frame/PageBody";
import { PageHeader } from "@/components/frame/PageHeader";

export function ApiKeysPage() {
  return (
    <PageBody>
      <PageHeader title="API keys" />
    </PageBody>
  );
}
