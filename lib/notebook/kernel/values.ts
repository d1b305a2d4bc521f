/** The display of a cell's last expression. */
import { inspect } from "node:util";

/** One thing in several formats, by MIME type: the reader shows the best that it can. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** An object that knows how to show itself in a notebook (the symbol is the one that Deno's kernel uses). */
const DISPLAY = Symbol.for("Jupyter.display");

/**
 * The formats of a value, or `undefined` when there is nothing to show. Charts (a Vega-Lite or Vega specification) become SVG,
 * tables that can write HTML do, an object with `[Symbol.for("Jupyter.display")]()` says itself, strings are shown as they are and
 * everything else as Node prints it.
 */
export async function bundleOf(value: unknown): Promise<MimeBundle | undefined> {
  if (value === undefined) return undefined;
  if (typeof value === "string") return { "text/plain": value };
  if (typeof value === "object" && value !== null) {
    const own = (value as { [DISPLAY]?: unknown })[DISPLAY];
    if (typeof own === "function") return (await own.call(value)) as MimeBundle;
    const schema = (value as { $schema?: unknown }).$schema;
    if (typeof schema === "string" && /\/schema\/vega(-lite)?\//.test(schema))
      return chart(value, schema.includes("vega-lite"));
    if (isTable(value)) return { "text/html": value.toHTML(), "text/plain": value.toMarkdown().trimEnd() };
  }
  return { "text/plain": inspect(value, { depth: 4, maxArrayLength: 100, breakLength: 100 }) };
}

interface Table {
  toHTML(): string;
  toMarkdown(): string;
}

function isTable(value: object): value is Table {
  const table = value as Partial<Table>;
  return typeof table.toHTML === "function" && typeof table.toMarkdown === "function";
}

async function chart(specification: object, lite: boolean): Promise<MimeBundle> {
  const vega = await import("vega");
  let spec = specification;
  if (lite)
    spec = (await import("vega-lite")).compile(specification as import("vega-lite").TopLevelSpec).spec;
  const view = new vega.View(vega.parse(spec as import("vega").Spec), { renderer: "none" });
  try {
    return { "image/svg+xml": await view.toSVG(), "text/plain": "[chart]" };
  } finally {
    view.finalize();
  }
}
