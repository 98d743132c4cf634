import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronsUpDown, Plus } from "lucide-react";
import { Logo } from "@/components/core/Logo";
import {
  Menu,
  MenuContent,
  MenuGroup,
  MenuItem,
  MenuLabel,
  MenuSeparator,
  MenuTrigger,
} from "@/components/core/Menu";
import { organizationsQuery, projectsQuery } from "@/features/projects/queries";
import { useProject } from "@/features/projects/useProject";
import { cn } from "@/lib/cn";

export function ProjectSwitcher({ collapsed }: { collapsed: boolean }) {
  const current = useProject();
  const navigate = useNavigate();
  const { data: organizations } = useSuspenseQuery(organizationsQuery);
  const { data: projects } = useSuspenseQuery(projectsQuery);

  return (
    <Menu>
      <MenuTrigger
        aria-label={collapsed ? `${current.project.name}: switch project` : undefined}
        className={cn(
          "flex h-10 w-full items-center gap-2 rounded-md px-1.5 text-left hover:bg-hover data-[state=open]:bg-hover",
          collapsed && "justify-center px-0",
        )}
      >
        <Logo className="size-6" />
        {collapsed ? null : (
          <>
            <span className="flex min-w-0 flex-1 flex-col">
              <span className="truncate font-medium text-sm leading-4">{current.project.name}</span>
              <span className="truncate text-2xs text-muted-foreground">{current.organization.name}</span>
            </span>
            <span className="sr-only">: switch project</span>
            <ChevronsUpDown aria-hidden className="size-3.5 shrink-0 text-faint-foreground" />
          </>
        )}
      </MenuTrigger>
      <MenuContent align="start" className="w-60">
        {organizations.map((organization) => (
          <MenuGroup key={organization.id}>
            <MenuLabel>{organization.name}</MenuLabel>
            {projects
              .filter((project) => project.organization_id === organization.id)
              .map((project) => (
                <MenuItem
                  key={project.id}
                  onSelect={() =>
                    navigate({
                      to: "/$orgSlug/$projectSlug/traces",
                      params: { orgSlug: organization.slug, projectSlug: project.slug },
                    })
                  }
                >
                  <span className="truncate">{project.name}</span>
                  {project.id === current.project.id ? (
                    <Check className="ml-auto" aria-label="Current" />
                  ) : null}
                </MenuItem>
              ))}
          </MenuGroup>
        ))}
        <MenuSeparator />
        <MenuItem
          onSelect={() => navigate({ to: "/onboarding", search: { organization: current.organization.id } })}
        >
          <Plus aria-hidden /> New project
        </MenuItem>
      </MenuContent>
    </Menu>
  );
}
