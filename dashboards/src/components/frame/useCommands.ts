import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Boxes, KeyRound, Link2, ListTree, LogOut, type LucideIcon, Rocket } from "lucide-react";
import { organizationsQuery, projectsQuery } from "@/features/projects/queries";
import { useProject } from "@/features/projects/useProject";
import { signOut } from "@/lib/api/session";
import { writeClipboard } from "@/lib/clipboard";
import { showToast } from "@/lib/toasts";
import { traceIdIn } from "@/lib/trace-id";
import { useTheme } from "@/lib/useTheme";
import { themeOptions } from "./theme-options";

type Command = { id: string; label: string; detail?: string; icon: LucideIcon; run: () => void };
type CommandGroup = { heading: string; commands: Command[] };

/** What the palette offers for the text typed so far. A trace id found in the text is the only answer. */
export function useCommands(text: string): { groups: CommandGroup[]; foundById: boolean } {
  const navigate = useNavigate();
  const { organization, project } = useProject();
  const projectCommands = useProjectCommands(project.id);
  const { chooseTheme } = useTheme();
  const params = { orgSlug: organization.slug, projectSlug: project.slug };

  const traceId = traceIdIn(text);
  if (traceId) {
    const open = () =>
      void navigate({ to: "/$orgSlug/$projectSlug/traces/$traceId", params: { ...params, traceId } });
    const command = { id: traceId, label: "Open trace", detail: traceId, icon: ListTree, run: open };
    return { foundById: true, groups: [{ heading: "Find", commands: [command] }] };
  }

  const pages = [
    { label: "Traces", icon: ListTree, to: "/$orgSlug/$projectSlug/traces" },
    { label: "API keys", icon: KeyRound, to: "/$orgSlug/$projectSlug/settings/api-keys" },
    { label: "Getting started", icon: Rocket, to: "/$orgSlug/$projectSlug/getting-started" },
  ] as const;
  const groups: CommandGroup[] = [
    {
      heading: "Go to",
      commands: pages.map(({ label, icon, to }) => ({
        id: to,
        label,
        icon,
        run: () => void navigate({ to, params }),
      })),
    },
    { heading: "Switch project", commands: projectCommands },
    {
      heading: "Theme",
      commands: themeOptions.map(({ value, label, icon }) => ({
        id: value,
        label,
        icon,
        run: () => chooseTheme(value),
      })),
    },
    {
      heading: "Other",
      commands: [
        {
          id: "copy-endpoint",
          label: "Copy the endpoint",
          detail: window.location.origin,
          icon: Link2,
          run: copyEndpoint,
        },
        { id: "sign-out", label: "Sign out", icon: LogOut, run: () => void signOut() },
      ],
    },
  ];
  return { foundById: false, groups: groups.filter(({ commands }) => commands.length > 0) };
}

function useProjectCommands(currentId: string): Command[] {
  const navigate = useNavigate();
  const { data: organizations } = useSuspenseQuery(organizationsQuery);
  const { data: projects } = useSuspenseQuery(projectsQuery);
  return projects
    .filter(({ id }) => id !== currentId)
    .flatMap((project) => {
      const owner = organizations.find(({ id }) => id === project.organization_id);
      if (!owner) return [];
      const params = { orgSlug: owner.slug, projectSlug: project.slug };
      const run = () => void navigate({ to: "/$orgSlug/$projectSlug/traces", params });
      return [{ id: project.id, label: project.name, detail: owner.name, icon: Boxes, run }];
    });
}

function copyEndpoint(): void {
  void writeClipboard(window.location.origin).then((copied) => {
    if (copied) showToast("Endpoint copied", { text: window.location.origin });
    else showToast("The clipboard is not available", { tone: "error" });
  });
}
