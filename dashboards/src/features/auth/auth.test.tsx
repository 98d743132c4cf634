import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { aSession } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { renderRoute } from "@/testing/render";
import { server } from "@/testing/server";

beforeEach(() => {
  server.use(http.post("*/api/v1/auth/refresh", () => failure(401, "session_expired", "Sign in again.")));
});

describe("sign-in", () => {
  test("leads to the page that was asked for, its search included", async () => {
    server.use(http.post("*/api/v1/auth/login", () => ok(aSession())));
    const { router, user } = renderRoute("/signin?redirect=%2Facme%2Fshop%2Fgetting-started%3Frange%3D7d");
    await user.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await user.type(screen.getByLabelText("Password"), "correct-horse");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/acme/shop/getting-started"));
    expect(router.state.location.search).toEqual({ range: "7d" });
  });

  test("does not follow an address of another site", async () => {
    server.use(http.post("*/api/v1/auth/login", () => ok(aSession())));
    const { router, user } = renderRoute("/signin?redirect=%2F%2Fevil.example%2Fx");
    await user.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await user.type(screen.getByLabelText("Password"), "correct-horse");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/acme/shop/traces"));
  });

  test("says that the password is wrong and keeps what was typed", async () => {
    server.use(http.post("*/api/v1/auth/login", () => failure(401, "invalid_credentials", "No.")));
    const { user } = renderRoute("/signin");
    await user.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await user.type(screen.getByLabelText("Password"), "wrong");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The e-mail address or the password is wrong.",
    );
    expect(screen.getByLabelText("E-mail")).toHaveValue("ada@example.com");
  });

  test("says that the server is away", async () => {
    server.use(http.post("*/api/v1/auth/login", () => HttpResponse.error()));
    const { user } = renderRoute("/signin");
    await user.type(await screen.findByLabelText("E-mail"), "ada@example.com");
    await user.type(screen.getByLabelText("Password"), "correct-horse");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("could not be reached");
  });

  test("asks for both fields before anything is sent", async () => {
    const { user } = renderRoute("/signin");
    await user.click(await screen.findByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("Enter an e-mail address, like ada@example.com.")).toBeVisible();
    expect(screen.getByLabelText("E-mail")).toBeInvalid();
    expect(screen.getByText("Enter your password.")).toBeVisible();
  });
});

describe("sign-up", () => {
  async function fill(user: ReturnType<typeof renderRoute>["user"]) {
    await user.type(await screen.findByLabelText("Name"), "Ada Lindqvist");
    await user.type(screen.getByLabelText("E-mail"), "ada@example.com");
    await user.type(screen.getByLabelText("Password"), "correct-horse");
    await user.click(screen.getByRole("button", { name: "Create account" }));
  }

  test("leads someone without a project to onboarding", async () => {
    server.use(
      http.post("*/api/v1/auth/signup", () => ok(aSession(), { status: 201 })),
      http.get("*/api/v1/organizations", () => ok([])),
      http.get("*/api/v1/projects", () => ok([])),
    );
    const { router, user } = renderRoute("/signup");
    await fill(user);
    await waitFor(() => expect(router.state.location.pathname).toBe("/onboarding"));
  });

  test("shows beside the field what the server refused", async () => {
    server.use(
      http.post("*/api/v1/auth/signup", () =>
        failure(422, "invalid_request", "This password is among the most common ones.", {
          field: "password",
        }),
      ),
    );
    const { user } = renderRoute("/signup");
    await fill(user);
    expect(await screen.findByText("This password is among the most common ones.")).toBeVisible();
    expect(screen.getByLabelText("Password")).toBeInvalid();
  });

  test("says that the address has an account already", async () => {
    server.use(http.post("*/api/v1/auth/signup", () => failure(409, "email_taken", "Taken.")));
    const { user } = renderRoute("/signup");
    await fill(user);
    expect(await screen.findByText("An account with this address exists. Sign in instead.")).toBeVisible();
  });
});
