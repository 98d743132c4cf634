/**
 * Decimal strings as the API sends money. Sums and comparisons are exact: a float never holds an amount, since a
 * column of costs must add up to the total shown below it.
 */

/** `digits` × 10^-scale. */
type Decimal = { digits: bigint; scale: number };

const pattern = /^(-?)(\d*)(?:\.(\d*))?$/;

function parse(text: string): Decimal | undefined {
  const match = pattern.exec(text.trim());
  if (!match) return undefined;
  const [, sign = "", whole = "", fraction = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  return { digits: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

export function isDecimal(text: string): boolean {
  return parse(text) !== undefined;
}

export function isZeroDecimal(text: string): boolean {
  return parse(text)?.digits === 0n;
}

function atScale(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}

/** Adds up; what is not a decimal counts as nothing. */
export function sumDecimals(values: Iterable<string>): string {
  let sum: Decimal = { digits: 0n, scale: 0 };
  for (const text of values) {
    const value = parse(text);
    if (!value) continue;
    const scale = Math.max(sum.scale, value.scale);
    sum = { digits: atScale(sum, scale) + atScale(value, scale), scale };
  }
  return print(sum);
}

export function compareDecimals(left: string, right: string): number {
  const a = parse(left) ?? { digits: 0n, scale: 0 };
  const b = parse(right) ?? { digits: 0n, scale: 0 };
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

/** Rounds half away from zero and writes exactly `places` decimals, thousands grouped. */
export function fixDecimal(text: string, places: number): string | undefined {
  const value = parse(text);
  if (!value) return undefined;
  const negative = value.digits < 0n;
  const size = negative ? -value.digits : value.digits;
  const rounded = roundTo({ digits: size, scale: value.scale }, places);
  const padded = rounded.toString().padStart(places + 1, "0");
  const whole = padded.slice(0, padded.length - places).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = places > 0 ? `.${padded.slice(-places)}` : "";
  return `${negative && rounded !== 0n ? "-" : ""}${whole}${fraction}`;
}

function roundTo({ digits, scale }: Decimal, places: number): bigint {
  if (scale <= places) return digits * 10n ** BigInt(places - scale);
  const unit = 10n ** BigInt(scale - places);
  return (digits + unit / 2n) / unit;
}

/** The place of the first digit that is not zero: 3 for 0.0042, 0 for 1.5 and above. */
export function leadingPlace(text: string): number {
  const value = parse(text);
  if (!value || value.digits === 0n) return 0;
  const length = value.digits.toString().replace("-", "").length;
  return Math.max(0, value.scale - length + 1);
}

function print({ digits, scale }: Decimal): string {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const whole = text.slice(0, text.length - scale);
  const fraction = scale > 0 ? text.slice(-scale).replace(/0+$/, "") : "";
  return `${negative ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}
