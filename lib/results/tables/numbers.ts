import type { Estimate } from "../../stats/index.js";

/** A number with one decimal, as every table and sentence prints per cents: 45.6. */
export function oneDecimal(x: number): string {
  const text = x.toFixed(1);
  return text === "-0.0" ? "0.0" : text;
}

/** An interval: [43.1, 48.0]. */
export function intervalText({ lo, hi }: Estimate, scale = 1): string {
  return `[${oneDecimal(scale * lo)}, ${oneDecimal(scale * hi)}]`;
}

/** Whole numbers with a comma every three digits. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A published number with the decimals that its source prints, at least one: 36.0, 63.65. */
export function asPrinted(x: number): string {
  const decimals = String(x).split(".")[1]?.length ?? 0;
  return x.toFixed(Math.max(1, decimals));
}

/** A p-value: 0.034, or < 0.001 below what 10,000 sampled patterns can tell apart. */
export function pValue(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
