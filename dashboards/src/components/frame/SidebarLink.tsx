import { Link } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import { Tooltip } from "@/components/core/Tooltip";
import { useProject } from "@/features/projects/useProject";
import { cn } from "@/lib/cn";

type ProjectPage =
  | "/$orgSlug/$projectSlug/traces"
  | "/$orgSlug/$projectSlug/settings/api-keys"
  | "/$orgSlug/$projectSlug/getting-started";

type SidebarLinkProps = { to: ProjectPage; icon: LucideIcon; label: string; collapsed: boolean };

export function SidebarLink({ to, icon: Icon, label, collapsed }: SidebarLinkProps) {
  const { organization, project } = useProject();
  const link = (
    <Link
      to={to}
      params={{ orgSlug: organization.slug, projectSlug: project.slug }}
      activeOptions={{ includeSearch: false }}
      aria-label={collapsed ? label : undefined}
      className={cn(
        "flex h-7.5 items-center gap-2 rounded-md px-2 text-muted-foreground text-sm hover:bg-hover hover:text-foreground data-[status=active]:bg-selected data-[status=active]:font-medium data-[status=active]:text-foreground",
        collapsed && "justify-center px-0",
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
      {collapsed ? null : label}
    </Link>
  );
  return (
    <li>
      {collapsed ? (
        <Tooltip content={label} side="right">
          {link}
        </Tooltip>
      ) : (
        link
      )}
    </li>
  );
}
