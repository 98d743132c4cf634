import { useSuspenseQuery } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import {
  Menu,
  MenuContent,
  MenuItem,
  MenuLabel,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSeparator,
  MenuTrigger,
} from "@/components/core/Menu";
import { currentUserQuery } from "@/features/auth/queries";
import { signOut } from "@/lib/api/session";
import { cn } from "@/lib/cn";
import { useTheme } from "@/lib/useTheme";
import { themeOptions } from "./theme-options";

export function UserMenu({ collapsed }: { collapsed: boolean }) {
  const { data: user } = useSuspenseQuery(currentUserQuery);
  const { theme, chooseTheme } = useTheme();
  return (
    <Menu>
      <MenuTrigger
        aria-label={collapsed ? `${user.name}: account and theme` : undefined}
        className={cn(
          "flex h-8 min-w-0 items-center gap-2 rounded-md px-1 text-left hover:bg-hover data-[state=open]:bg-hover",
          collapsed ? "w-8 justify-center" : "flex-1",
        )}
      >
        <span
          aria-hidden
          className="flex size-6 shrink-0 items-center justify-center rounded-full bg-accent-soft font-medium text-2xs text-accent"
        >
          {initials(user.name)}
        </span>
        {collapsed ? null : (
          <span className="truncate text-sm">
            {user.name}
            <span className="sr-only">: account and theme</span>
          </span>
        )}
      </MenuTrigger>
      <MenuContent align="start" side="top" className="w-56">
        <div className="min-w-0 px-2 py-1.5">
          <p className="truncate font-medium text-sm">{user.name}</p>
          <p className="truncate text-muted-foreground text-xs">{user.email}</p>
        </div>
        <MenuSeparator />
        <MenuLabel>Theme</MenuLabel>
        <MenuRadioGroup value={theme}>
          {themeOptions.map(({ value, label, icon: Icon }) => (
            <MenuRadioItem
              key={value}
              value={value}
              onSelect={(event) => {
                event.preventDefault();
                chooseTheme(value);
              }}
            >
              <Icon aria-hidden /> {label}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
        <MenuSeparator />
        <MenuItem onSelect={() => void signOut()}>
          <LogOut aria-hidden /> Sign out
        </MenuItem>
      </MenuContent>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return `${words[0]?.[0] ?? "?"}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toUpperCase();
}
