/** US dollars from decimal strings, with enough digits to tell rows apart: "$12.34", "$0.0042", "$0.000421". */
import { fixDecimal, isZeroDecimal, leadingPlace } from "./decimal";

const leastPlaces = 4;
const significantDigits = 3;
/** Below this, more digits would only be noise of the price table. */
const mostPlaces = 6;

export function formatCost(amount: string): string {
  if (isZeroDecimal(amount)) return "$0";
  const place = leadingPlace(amount);
  if (place > mostPlaces) return `<$${`0.${"1".padStart(mostPlaces, "0")}`}`;
  const places = place === 0 ? 2 : Math.min(mostPlaces, Math.max(leastPlaces, place + significantDigits - 1));
  return withDollar(trimmed(fixDecimal(amount, places) ?? amount, place === 0 ? 2 : leastPlaces));
}

/** Every digit that was sent, for a tooltip. */
export function formatCostExact(amount: string): string {
  const places = amount.split(".")[1]?.length ?? 0;
  return withDollar(fixDecimal(amount, places) ?? amount);
}

/** Zeros beyond the places that every row has say nothing. */
function trimmed(text: string, places: number): string {
  const [whole, fraction = ""] = text.split(".");
  let end = fraction.length;
  while (end > places && fraction[end - 1] === "0") end -= 1;
  return end > 0 ? `${whole}.${fraction.slice(0, end)}` : (whole ?? text);
}

function withDollar(text: string): string {
  return text.startsWith("-") ? `-$${text.slice(1)}` : `$${text}`;
}
