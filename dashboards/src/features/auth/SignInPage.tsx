import { zodResolver } from "@hookform/resolvers/zod";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { Button } from "@/components/core/Button";
import { Field } from "@/components/core/Field";
import { FormError } from "@/components/core/FormError";
import { Input } from "@/components/core/Input";
import { ApiError } from "@/lib/api/errors";
import { showServerError } from "@/lib/form-errors";
import { AuthLayout } from "./AuthLayout";
import { type SignInValues, useSignIn } from "./mutations";
import { PasswordInput } from "./PasswordInput";
import { signInSchema } from "./schemas";
import { useEnterApp } from "./useEnterApp";

const route = getRouteApi("/_public/signin");

export function SignInPage() {
  const { redirect } = route.useSearch();
  const enterApp = useEnterApp(redirect);
  const signIn = useSignIn();
  const { register, handleSubmit, setError, formState } = useForm<SignInValues>({
    resolver: zodResolver(signInSchema),
    defaultValues: { email: "", password: "" },
  });
  const { errors } = formState;

  async function submit(values: SignInValues) {
    try {
      await signIn.mutateAsync(values);
      await enterApp();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        setError("root", { message: "The e-mail address or the password is wrong." });
      } else {
        showServerError(error, ["email", "password"], setError);
      }
    }
  }

  return (
    <AuthLayout
      title="Sign in"
      lead="Welcome back."
      footer={
        <>
          No account yet?{" "}
          <Link
            to="/signup"
            search={{ redirect }}
            className="text-accent underline decoration-border-strong underline-offset-3 hover:decoration-current"
          >
            Create one
          </Link>
        </>
      }
    >
      <form noValidate onSubmit={handleSubmit(submit)} className="flex flex-col gap-4">
        <Field label="E-mail" error={errors.email?.message}>
          {(control) => (
            <Input {...control} {...register("email")} type="email" autoComplete="email" autoFocus />
          )}
        </Field>
        <Field label="Password" error={errors.password?.message}>
          {(control) => (
            <PasswordInput {...control} {...register("password")} autoComplete="current-password" />
          )}
        </Field>
        <FormError message={errors.root?.message} />
        <Button type="submit" variant="primary" size="lg" pending={formState.isSubmitting}>
          Sign in
        </Button>
      </form>
    </AuthLayout>
  );
}
