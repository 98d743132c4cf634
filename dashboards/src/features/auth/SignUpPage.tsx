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
import { type SignUpValues, useSignUp } from "./mutations";
import { PasswordInput } from "./PasswordInput";
import { signUpSchema } from "./schemas";
import { useEnterApp } from "./useEnterApp";

const route = getRouteApi("/_public/signup");

export function SignUpPage() {
  const { redirect } = route.useSearch();
  const enterApp = useEnterApp(redirect);
  const signUp = useSignUp();
  const { register, handleSubmit, setError, formState } = useForm<SignUpValues>({
    resolver: zodResolver(signUpSchema),
    defaultValues: { name: "", email: "", password: "" },
  });
  const { errors } = formState;

  async function submit(values: SignUpValues) {
    try {
      await signUp.mutateAsync(values);
      await enterApp();
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) {
        setError(
          "email",
          { message: "An account with this address exists. Sign in instead." },
          { shouldFocus: true },
        );
      } else {
        showServerError(error, ["name", "email", "password"], setError);
      }
    }
  }

  return (
    <AuthLayout
      title="Create your account"
      lead="Two minutes from here to your first trace."
      footer={
        <>
          Have an account?{" "}
          <Link
            to="/signin"
            search={{ redirect }}
            className="text-accent underline decoration-border-strong underline-offset-3 hover:decoration-current"
          >
            Sign in
          </Link>
        </>
      }
    >
      <form noValidate onSubmit={handleSubmit(submit)} className="flex flex-col gap-4">
        <Field label="Name" error={errors.name?.message}>
          {(control) => <Input {...control} {...register("name")} autoComplete="name" autoFocus />}
        </Field>
        <Field label="E-mail" error={errors.email?.message}>
          {(control) => <Input {...control} {...register("email")} type="email" autoComplete="email" />}
        </Field>
        <Field label="Password" hint="At least 8 characters." error={errors.password?.message}>
          {(control) => <PasswordInput {...control} {...register("password")} autoComplete="new-password" />}
        </Field>
        <FormError message={errors.root?.message} />
        <Button type="submit" variant="primary" size="lg" pending={formState.isSubmitting}>
          Create account
        </Button>
      </form>
    </AuthLayout>
  );
}
