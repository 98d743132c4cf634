import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronDown, Layers } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/core/Button";
import {
  Menu,
  MenuContent,
  MenuLabel,
  MenuRadioGroup,
  MenuRadioItem,
  MenuTrigger,
} from "@/components/core/Menu";
import { environmentsQuery } from "@/features/projects/queries";
import { useProject, useProjectSearch } from "@/features/projects/useProject";

const all = "";

/** Narrows the page to one environment. The names come from what was received in the last 30 days. */
export function EnvironmentPicker() {
  const { project } = useProject();
  const { env } = useProjectSearch();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const { data: environments = [], isPending } = useQuery({
    ...environmentsQuery(project.id),
    enabled: open,
  });
  const names = env && !environments.includes(env) ? [env, ...environments] : environments;

  return (
    <Menu open={open} onOpenChange={setOpen}>
      <MenuTrigger asChild>
        <Button
          variant="ghost"
          aria-label={`Environment: ${env ?? "all"}`}
          className="max-w-40 px-2 font-normal"
        >
          <Layers aria-hidden className="sm:hidden" />
          <span className="hidden truncate sm:inline">{env ?? "All environments"}</span>
          <ChevronDown aria-hidden className="hidden sm:block" />
        </Button>
      </MenuTrigger>
      <MenuContent align="end">
        <MenuLabel>Environment</MenuLabel>
        <MenuRadioGroup
          value={env ?? all}
          onValueChange={(value) =>
            navigate({ to: ".", search: (search) => ({ ...search, env: value === all ? undefined : value }) })
          }
        >
          <MenuRadioItem value={all}>All environments</MenuRadioItem>
          {names.map((name) => (
            <MenuRadioItem key={name} value={name}>
              <span className="truncate">{name}</span>
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
        {names.length === 0 ? (
          <p className="px-2 py-1.5 text-muted-foreground text-xs">
            {isPending ? "Loading names" : "None received yet"}
          </p>
        ) : null}
      </MenuContent>
    </Menu>
  );
}
