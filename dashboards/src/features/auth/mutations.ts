import { useMutation, useQueryClient } from "@tanstack/react-query";
import { dataOf, publicApi } from "@/lib/api/client";
import { adoptSession } from "@/lib/api/session";
import type { Session } from "@/lib/api/types";

export type SignUpValues = { name: string; email: string; password: string };
export type SignInValues = { email: string; password: string };

export function useSignUp() {
  const onSuccess = useStartSession();
  return useMutation({
    mutationFn: (body: SignUpValues) => dataOf(publicApi.POST("/api/v1/auth/signup", { body })),
    onSuccess,
  });
}

export function useSignIn() {
  const onSuccess = useStartSession();
  return useMutation({
    mutationFn: (body: SignInValues) => dataOf(publicApi.POST("/api/v1/auth/login", { body })),
    onSuccess,
  });
}

/** Begins with an empty cache: what it holds may belong to someone else. */
function useStartSession() {
  const queryClient = useQueryClient();
  return (session: Session) => {
    queryClient.clear();
    adoptSession(session);
  };
}
