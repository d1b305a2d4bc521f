import type { Metrics } from "../training/loop.js";

/** A step of supervised learning in a line: each task's loss, and what was measured. */
export function supervisedLine(metrics: Metrics): string {
  const named = (start: string): string =>
    Object.entries(metrics)
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => `${name.slice(start.length)} ${value.toFixed(3)}`)
      .join("  ");
  const dev = named("dev/");
  return `${named("loss/")}  grad ${(metrics["grad_norm"] ?? NaN).toFixed(2)}${dev ? `  held out: ${dev}` : ""}`;
}
