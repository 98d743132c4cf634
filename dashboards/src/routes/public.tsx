/** The pages before sign-in. Someone already signed in is sent on. */
import { createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import * as z from "zod";
import { currentSession, maySignInSilently } from "@/lib/api/session";
import { rootRoute } from "./root";

const publicSearchSchema = z.object({
  /** Where to go after sign-in. Only paths of this site: a full address could lead a person elsewhere. */
  redirect: z
    .string()
    .regex(/^\/(?![/\\])/)
    .optional()
    .catch(undefined),
});

const publicRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "_public",
  validateSearch: publicSearchSchema,
  component: Outlet,
  beforeLoad: async ({ search }) => {
    if (!maySignInSilently()) return;
    const session = await currentSession().catch(() => undefined);
    if (session) throw redirect({ href: search.redirect ?? "/", replace: true });
  },
});

const signInRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: "signin",
  staticData: { title: "Sign in" },
  component: lazyRouteComponent(() => import("@/features/auth/SignInPage"), "SignInPage"),
});

const signUpRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: "signup",
  staticData: { title: "Create your account" },
  component: lazyRouteComponent(() => import("@/features/auth/SignUpPage"), "SignUpPage"),
});

export const publicRoutes = publicRoute.addChildren([signInRoute, signUpRoute]);
