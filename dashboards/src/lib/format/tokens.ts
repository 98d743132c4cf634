/** Tokens in a list: "1,204" or "12.4 k"; the exact figure belongs in the tooltip. */
import { formatCompact, formatCount } from "./number";

export function formatTokens(tokens: number): string {
  return formatCompact(tokens);
}

/** "12,431 tokens". */
export function formatTokensExact(tokens: number): string {
  return `${formatCount(tokens)} ${tokens === 1 ? "token" : "tokens"}`;
}
