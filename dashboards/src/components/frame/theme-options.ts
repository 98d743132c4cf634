import { type LucideIcon, Monitor, Moon, Sun } from "lucide-react";
import type { ThemeChoice } from "@/lib/theme";

export const themeOptions: { value: ThemeChoice; label: string; icon: LucideIcon }[] = [
  { value: "system", label: "System", icon: Monitor },
  { value: "light", label: "Light", icon: Sun },
  { value: "dark", label: "Dark", icon: Moon },
];
