// Sets the theme before the first paint, so that a dark page never flashes white.
// A file of its own and not an inline script, so that a strict content security policy holds.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("brokle.theme") ?? "system";
  } catch {
    // Storage may be blocked; the system's preference then decides.
  }
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
