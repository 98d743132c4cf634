import { KeyRound, ListTree, PanelLeftClose, PanelLeftOpen, Rocket } from "lucide-react";
import { IconButton } from "@/components/core/IconButton";
import { cn } from "@/lib/cn";
import { shortcutLabel } from "@/lib/platform";
import { ProjectSwitcher } from "./ProjectSwitcher";
import { SidebarLink } from "./SidebarLink";
import { UserMenu } from "./UserMenu";

type SidebarProps = { collapsed: boolean; onCollapsedChange?: (collapsed: boolean) => void };

export function Sidebar({ collapsed, onCollapsedChange }: SidebarProps) {
  return (
    <aside
      className={cn(
        "flex h-full flex-col border-border bg-sunken transition-[width] duration-150",
        collapsed ? "w-12" : "w-full md:w-56",
        onCollapsedChange && "border-r",
      )}
    >
      <div className="border-border border-b p-1.5">
        <ProjectSwitcher collapsed={collapsed} />
      </div>
      <nav aria-label="Main" className="flex flex-1 flex-col gap-4 overflow-y-auto p-1.5">
        <ul className="flex flex-col gap-0.5">
          <SidebarLink
            to="/$orgSlug/$projectSlug/traces"
            icon={ListTree}
            label="Traces"
            collapsed={collapsed}
          />
        </ul>
        <section aria-label="Settings">
          <SectionLabel collapsed={collapsed}>Settings</SectionLabel>
          <ul className="flex flex-col gap-0.5">
            <SidebarLink
              to="/$orgSlug/$projectSlug/settings/api-keys"
              icon={KeyRound}
              label="API keys"
              collapsed={collapsed}
            />
          </ul>
        </section>
        <ul className="mt-auto flex flex-col gap-0.5">
          <SidebarLink
            to="/$orgSlug/$projectSlug/getting-started"
            icon={Rocket}
            label="Getting started"
            collapsed={collapsed}
          />
        </ul>
      </nav>
      <div className={cn("flex items-center gap-1 border-border border-t p-1.5", collapsed && "flex-col")}>
        <UserMenu collapsed={collapsed} />
        {onCollapsedChange ? (
          <IconButton
            label={collapsed ? "Expand the sidebar" : "Collapse the sidebar"}
            shortcut={shortcutLabel("B")}
            side="right"
            onClick={() => onCollapsedChange(!collapsed)}
          >
            {collapsed ? <PanelLeftOpen /> : <PanelLeftClose />}
          </IconButton>
        ) : null}
      </div>
    </aside>
  );
}

function SectionLabel({ collapsed, children }: { collapsed: boolean; children: string }) {
  if (collapsed) return <hr className="mx-1.5 mb-2 border-border" />;
  return <h2 className="px-2 pb-1 text-2xs text-faint-foreground">{children}</h2>;
}
