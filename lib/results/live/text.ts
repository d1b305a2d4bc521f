import { type CurveHistory, smoothed } from "./curves.js";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** Values as a line of blocks from the smallest to the largest, at most `width` of them, each the mean of its part. */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return "";
  const cells = Math.min(width, values.length);
  const means = Array.from({ length: cells }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / cells),
      Math.floor(((i + 1) * values.length) / cells),
    );
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const level = (value: number): number =>
    high > low ? Math.min(BLOCKS.length - 1, Math.floor(((value - low) / (high - low)) * BLOCKS.length)) : 3;
  return means.map((value) => BLOCKS[level(value)]).join("");
}

/** The curves as lines of text: label, course of the trailing mean, where it began and where it is, dev goals. */
export function curvesText(history: CurveHistory, width: number): string[] {
  const labels = Math.max(...history.curves.map(({ label }) => label.length));
  const room = Math.max(8, Math.min(60, width - labels - 34));
  return history.curves.flatMap((curve) => {
    const points = smoothed(history.lines.get(curve.metric) ?? []);
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return [];
    const number = (value: number): string => value.toFixed(curve.digits);
    const dev = history.dots.get(curve.metric)?.at(-1);
    const line = sparkline(
      points.map(({ value }) => value),
      room,
    );
    return [
      `${curve.label.padEnd(labels)}  ${line.padEnd(room)}  ${number(first.value)} → ${number(last.value)}` +
        (dev ? `  dev ${number(dev.value)}` : ""),
    ];
  });
}
