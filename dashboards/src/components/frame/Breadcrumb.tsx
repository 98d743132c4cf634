import { Link, useMatches } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { useProject } from "@/features/projects/useProject";

export function Breadcrumb() {
  const { organization, project } = useProject();
  const page = useMatches({ select: (matches) => matches.at(-1)?.staticData });
  if (!page?.title) return <div className="flex-1" />;
  return (
    <nav aria-label="Breadcrumb" className="min-w-0">
      <ol className="flex items-center gap-1.5 text-sm">
        {page.parent ? (
          <li className="flex items-center gap-1.5">
            <Link
              to={page.parent.to}
              params={{ orgSlug: organization.slug, projectSlug: project.slug }}
              className="rounded-sm text-muted-foreground hover:text-foreground"
            >
              {page.parent.title}
            </Link>
            <ChevronRight aria-hidden className="size-3.5 text-faint-foreground" />
          </li>
        ) : null}
        <li aria-current="page" className="truncate font-medium">
          {page.title}
        </li>
      </ol>
    </nav>
  );
}
