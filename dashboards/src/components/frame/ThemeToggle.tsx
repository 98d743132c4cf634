import { Moon, Sun } from "lucide-react";
import { IconButton } from "@/components/core/IconButton";
import { useTheme } from "@/lib/useTheme";

/** Light or dark in one click. Going back to the system's choice is in the person's menu. */
export function ThemeToggle() {
  const { chooseTheme } = useTheme();
  return (
    <IconButton
      label="Switch between light and dark"
      onClick={() => chooseTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark")}
    >
      <Moon className="dark:hidden" />
      <Sun className="hidden dark:block" />
    </IconButton>
  );
}
