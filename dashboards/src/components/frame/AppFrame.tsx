import { Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { Drawer } from "@/components/core/Drawer";
import { useStoredFlag } from "@/lib/storage";
import { useHotkey } from "@/lib/useHotkey";
import { Sidebar } from "./Sidebar";
import { TopBar } from "./TopBar";
import { useDocumentTitle } from "./useDocumentTitle";

const CommandPalette = lazy(async () => ({ default: (await import("./CommandPalette")).CommandPalette }));

/** Sidebar, top bar and the page. The page fills what is left and scrolls inside it. */
export function AppFrame() {
  const [collapsed, setCollapsed] = useStoredFlag("brokle.sidebar-collapsed", false);
  const [menuPath, setMenuPath] = useState<string>();
  const [paletteOpen, setPaletteOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useDocumentTitle();
  useHotkey("mod+k", () => setPaletteOpen((open) => !open));
  useHotkey("mod+b", () => setCollapsed(!collapsed));

  return (
    <div className="flex h-dvh min-w-0 overflow-hidden">
      <a
        href="#page"
        className="sr-only z-50 rounded-md bg-primary px-3 py-2 text-primary-foreground focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the page
      </a>
      <div className="hidden md:flex">
        <Sidebar collapsed={collapsed} onCollapsedChange={setCollapsed} />
      </div>
      {/* Open only for the path it was opened on: following a link closes it. */}
      <Drawer
        open={menuPath === path}
        onOpenChange={(open) => setMenuPath(open ? path : undefined)}
        label="Menu"
        side="left"
        modal
        className="w-64 md:hidden"
      >
        <Sidebar collapsed={false} />
      </Drawer>
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar onMenuOpened={() => setMenuPath(path)} onPaletteOpened={() => setPaletteOpen(true)} />
        <main id="page" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          <Outlet />
        </main>
      </div>
      {paletteOpen ? (
        <Suspense fallback={null}>
          <CommandPalette onClose={() => setPaletteOpen(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}
