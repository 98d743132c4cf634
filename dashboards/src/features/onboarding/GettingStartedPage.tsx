export function GettingStartedPage() {
  return null;
}
