import { useRouter } from "@tanstack/react-router";

/** Leads from sign-in to the page a person wanted, or home. The route's schema checked that it is one of this site. */
export function useEnterApp(redirect: string | undefined) {
  const router = useRouter();
  return () => router.navigate({ href: redirect ?? "/", replace: true });
}
