import { useSyncExternalStore } from "react";
import { chooseTheme, subscribeToTheme, themeChoice } from "./theme";

export function useTheme() {
  const theme = useSyncExternalStore(subscribeToTheme, themeChoice);
  return { theme, chooseTheme };
}
