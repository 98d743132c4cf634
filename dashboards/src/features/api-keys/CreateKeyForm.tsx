import { zodResolver } from "@hookform/resolvers/zod";
import { Controller, useForm } from "react-hook-form";
import * as z from "zod";
import { Field } from "@/components/core/Field";
import { FormError } from "@/components/core/FormError";
import { Input } from "@/components/core/Input";
import { Segmented } from "@/components/core/Segmented";
import { useProject } from "@/features/projects/useProject";
import type { CreatedApiKey } from "@/lib/api/types";
import { showServerError } from "@/lib/form-errors";
import { useCreateApiKey } from "./mutations";
import { ScopeChoice } from "./ScopeChoice";
import { allScopes } from "./scopes";

const dayMs = 86_400_000;

const lives = [
  { value: "never", label: "Never" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
] as const;

const keySchema = z.object({
  name: z.string().trim().min(1, "Enter a name.").max(100, "Use at most 100 characters."),
  scopes: z.array(z.enum(["ingest", "gateway", "read"])).min(1, "Choose at least one."),
  life: z.enum(lives.map(({ value }) => value)),
});
type KeyValues = z.infer<typeof keySchema>;

type CreateKeyFormProps = { id: string; onCreated: (created: CreatedApiKey) => void };

export function CreateKeyForm({ id, onCreated }: CreateKeyFormProps) {
  const { project } = useProject();
  const createKey = useCreateApiKey();
  const { register, control, handleSubmit, setError, formState } = useForm<KeyValues>({
    resolver: zodResolver(keySchema),
    defaultValues: { name: "", scopes: allScopes, life: "never" },
  });
  const { errors } = formState;

  async function submit({ name, scopes, life }: KeyValues) {
    if (createKey.isPending) return;
    try {
      const expires_at =
        life === "never" ? undefined : new Date(Date.now() + Number(life) * dayMs).toISOString();
      onCreated(await createKey.mutateAsync({ projectId: project.id, name, scopes, expires_at }));
    } catch (error) {
      showServerError(error, ["name", "scopes"], setError);
    }
  }

  return (
    <form id={id} noValidate onSubmit={handleSubmit(submit)} className="flex flex-col gap-4">
      <Field label="Name" error={errors.name?.message}>
        {(attributes) => (
          <Input
            {...attributes}
            {...register("name")}
            placeholder="Production collector"
            autoComplete="off"
          />
        )}
      </Field>
      <Controller
        control={control}
        name="scopes"
        render={({ field }) => (
          <ScopeChoice chosen={field.value} onChosen={field.onChange} error={errors.scopes?.message} />
        )}
      />
      <Controller
        control={control}
        name="life"
        render={({ field }) => (
          <fieldset className="flex flex-col items-start gap-1.5">
            <legend className="mb-1.5 font-medium text-sm">Expires</legend>
            <Segmented label="Expires" value={field.value} options={lives} onValueChange={field.onChange} />
          </fieldset>
        )}
      />
      <FormError message={errors.root?.message} />
    </form>
  );
}
