import type { TopLevelSpec } from "vega-lite";
import { textWidth, theme } from "../style/index.js";

/**
 * Renders a Vega-Lite spec in the house style to an SVG string: no browser, no canvas, the same bytes every time.
 * Show it in a notebook with `tslab.display.svg(await renderChart(spec))`.
 * @throws Error from Vega-Lite or Vega when the spec is not one
 */
export async function renderChart(spec: TopLevelSpec): Promise<string> {
  // Both packages have a top-level await somewhere below, so they can be imported but not required.
  const vega = await import("vega");
  const { compile } = await import("vega-lite");
  const compiled = compile(spec, { config: theme, logger: new StrictLogger() }).spec;
  const metrics = (vega as unknown as { textMetrics: TextMetrics }).textMetrics; // exported, but missing from its types
  const before = metrics.width;
  metrics.width = measure;
  try {
    const view = new vega.View(vega.parse(compiled), { renderer: "none" });
    const svg = await view.toSVG();
    view.finalize();
    return svg;
  } finally {
    metrics.width = before;
  }
}

interface TextMetrics {
  width: (item: TextItem, text: unknown) => number;
}

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  readonly limit?: number;
}

/** Vega's text measure, by the widths of the thesis's font. */
function measure(item: TextItem, text: unknown): number {
  const size = item.fontSize ?? 11;
  const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
  const width = textWidth(text === null || text === undefined ? "" : String(text), size, isBold);
  return item.limit && item.limit > 0 ? Math.min(width, item.limit) : width;
}

/** A warning of Vega-Lite means that the spec does not say what it seems to say: it is an error here. */
class StrictLogger {
  level(): never {
    return this as never; // Vega-Lite's interface overloads getter and setter
  }
  error(...args: readonly unknown[]): this {
    throw new Error(`Vega-Lite: ${args.join(" ")}`);
  }
  warn(...args: readonly unknown[]): this {
    throw new Error(`Vega-Lite warns: ${args.join(" ")}`);
  }
  info(): this {
    return this;
  }
  debug(): this {
    return this;
  }
}
