import { useMatches } from "@tanstack/react-router";
import { useEffect } from "react";
import { useProject } from "@/features/projects/useProject";

/** Names the browser's tab after the page and its project. */
export function useDocumentTitle(): void {
  const { project } = useProject();
  const title = useMatches({ select: (matches) => matches.at(-1)?.staticData.title });
  const full = [title, project.name, "Brokle"].filter(Boolean).join(" · ");

  // The document's title lives outside React.
  useEffect(() => {
    document.title = full;
  }, [full]);
}
