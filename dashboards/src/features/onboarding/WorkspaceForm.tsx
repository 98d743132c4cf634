import { zodResolver } from "@hookform/resolvers/zod";
import { useRouter } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import * as z from "zod";
import { Button } from "@/components/core/Button";
import { Field } from "@/components/core/Field";
import { FormError } from "@/components/core/FormError";
import { Input } from "@/components/core/Input";
import type { Organization } from "@/lib/api/types";
import { showServerError } from "@/lib/form-errors";
import { useCreateWorkspace } from "./useCreateWorkspace";

const name = (what: string) =>
  z.string().trim().min(1, `Enter a name for the ${what}.`).max(100, "Use at most 100 characters.");

const workspaceSchema = z.object({ organization: name("organization"), project: name("project") });
type WorkspaceValues = z.infer<typeof workspaceSchema>;

/** Names an organization and its first project, or one more project in an organization there is. */
export function WorkspaceForm({ organization }: { organization: Organization | undefined }) {
  const router = useRouter();
  const createWorkspace = useCreateWorkspace(organization);
  const { register, handleSubmit, setError, formState } = useForm<WorkspaceValues>({
    resolver: zodResolver(workspaceSchema),
    defaultValues: { organization: organization?.name ?? "", project: "" },
  });
  const { errors } = formState;

  async function submit(values: WorkspaceValues) {
    try {
      const made = await createWorkspace(values);
      await router.navigate({
        to: "/$orgSlug/$projectSlug/getting-started",
        params: { orgSlug: made.organization.slug, projectSlug: made.project.slug },
      });
    } catch (error) {
      showServerError(error, [], setError);
    }
  }

  return (
    <form noValidate onSubmit={handleSubmit(submit)} className="flex flex-col gap-4">
      {organization ? null : (
        <Field label="Organization" error={errors.organization?.message}>
          {(control) => (
            <Input
              {...control}
              {...register("organization")}
              placeholder="Acme"
              autoComplete="organization"
            />
          )}
        </Field>
      )}
      <Field
        label="Project"
        hint="It appears in addresses, like /acme/support-bot."
        error={errors.project?.message}
      >
        {(control) => (
          <Input {...control} {...register("project")} placeholder="Support bot" autoComplete="off" />
        )}
      </Field>
      <FormError message={errors.root?.message} />
      <div className="mt-2 flex items-center gap-2">
        <Button type="submit" variant="primary" size="lg" pending={formState.isSubmitting}>
          {organization ? "Create project" : "Continue"}
        </Button>
        {organization ? (
          <Button variant="ghost" size="lg" onClick={() => router.history.back()}>
            Cancel
          </Button>
        ) : null}
      </div>
    </form>
  );
}
