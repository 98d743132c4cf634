import { useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Logo } from "@/components/core/Logo";
import { ThemeToggle } from "@/components/frame/ThemeToggle";
import { organizationsQuery } from "@/features/projects/queries";
import { WorkspaceForm } from "./WorkspaceForm";

const route = getRouteApi("/_signed-in/onboarding");

/** The one question between sign-up and the first trace: what to call things. */
export function OnboardingPage() {
  const { organization: organizationId } = route.useSearch();
  const { data: organizations } = useSuspenseQuery(organizationsQuery);
  // Decided on arrival: the page must not change its question while it creates the organization.
  const [organization] = useState(
    () =>
      organizations.find(({ id }) => id === organizationId) ??
      (organizationId ? undefined : organizations[0]),
  );
  const title = organization ? `New project in ${organization.name}` : "Name your workspace";

  return (
    <div className="flex min-h-dvh flex-col bg-surface">
      <header className="flex items-center justify-between px-6 py-5 sm:px-10">
        <span className="flex items-center gap-2 font-semibold text-base">
          <Logo className="size-6" /> Brokle
        </span>
        <ThemeToggle />
      </header>
      <main className="mx-auto flex w-full max-w-md flex-1 flex-col px-6 pt-[12vh] pb-16">
        {organization ? null : <p className="mb-2 text-muted-foreground text-xs">Step 1 of 2</p>}
        <h1 className="font-semibold text-xl">{title}</h1>
        <p className="mt-1 mb-6 text-muted-foreground text-sm">
          {organization
            ? "A project holds the traces of one application, and has keys of its own."
            : "An organization is your company or team. A project inside it holds the traces of one application."}
        </p>
        <WorkspaceForm organization={organization} />
      </main>
    </div>
  );
}
