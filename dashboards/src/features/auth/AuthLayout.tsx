import type { ReactNode } from "react";
import { Logo } from "@/components/core/Logo";
import { SampleWaterfall } from "./SampleWaterfall";

type AuthLayoutProps = { title: string; lead: ReactNode; children: ReactNode; footer: ReactNode };

export function AuthLayout({ title, lead, children, footer }: AuthLayoutProps) {
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(26rem,5fr)_7fr]">
      <main className="flex flex-col bg-surface px-6 py-6 sm:px-10">
        <div className="flex items-center gap-2 font-semibold text-base">
          <Logo className="size-6" /> Brokle
        </div>
        <div className="mx-auto flex w-full max-w-80 flex-1 flex-col justify-center py-10">
          <h1 className="font-semibold text-xl">{title}</h1>
          <p className="mt-1 mb-6 text-muted-foreground text-sm">{lead}</p>
          {children}
          <p className="mt-6 text-muted-foreground text-sm">{footer}</p>
        </div>
      </main>
      <SampleWaterfall />
    </div>
  );
}
