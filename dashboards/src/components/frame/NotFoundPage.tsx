import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button } from "@/components/core/Button";
import { Message } from "@/components/core/Message";

export function NotFoundPage() {
  return (
    <main className="flex min-h-full flex-1 flex-col">
      <Message
        icon={Compass}
        title="There is no page at this address"
        action={
          <Button asChild>
            <Link to="/">Go to your project</Link>
          </Button>
        }
      >
        <p>The address may be mistyped, or it belongs to a project you have no access to.</p>
        <p className="mt-2 break-all font-mono text-xs">{window.location.pathname}</p>
      </Message>
    </main>
  );
}
