const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** How the platform writes a shortcut with its main modifier. */
export function shortcutLabel(key: string): string {
  return isMac ? `⌘${key}` : `Ctrl ${key}`;
}
