import { useMatches } from "@tanstack/react-router";
import { Menu, Search } from "lucide-react";
import { Button } from "@/components/core/Button";
import { IconButton } from "@/components/core/IconButton";
import { Kbd } from "@/components/core/Kbd";
import { shortcutLabel } from "@/lib/platform";
import { Breadcrumb } from "./Breadcrumb";
import { EnvironmentPicker } from "./EnvironmentPicker";
import { ThemeToggle } from "./ThemeToggle";
import { TimeRangePicker } from "./TimeRangePicker";

type TopBarProps = { onMenuOpened: () => void; onPaletteOpened: () => void };

export function TopBar({ onMenuOpened, onPaletteOpened }: TopBarProps) {
  const hasTimeRange = useMatches({ select: (matches) => matches.at(-1)?.staticData.timeRange === true });
  return (
    <header className="flex h-11 shrink-0 items-center gap-1.5 border-border border-b bg-background px-2 md:gap-2 md:px-3">
      <IconButton label="Open the menu" className="md:hidden" onClick={onMenuOpened}>
        <Menu />
      </IconButton>
      <Breadcrumb />
      <div className="ml-auto flex items-center gap-1 md:gap-1.5">
        {hasTimeRange ? (
          <>
            <EnvironmentPicker />
            <TimeRangePicker />
          </>
        ) : null}
        <Button
          variant="secondary"
          onClick={onPaletteOpened}
          className="hidden w-44 justify-start bg-sunken font-normal text-muted-foreground lg:inline-flex"
        >
          <Search aria-hidden />
          Go to…
          <span aria-hidden className="ml-auto">
            <Kbd>{shortcutLabel("K")}</Kbd>
          </span>
        </Button>
        <IconButton label="Search and commands" className="lg:hidden" onClick={onPaletteOpened}>
          <Search />
        </IconButton>
        <ThemeToggle />
      </div>
    </header>
  );
}
