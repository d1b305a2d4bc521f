import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { besideName, RunError, writeIfChanged } from "../../base/index.js";
import { fullWidth } from "../style/index.js";
import { runTool } from "../tools.js";
import { renderChart } from "./render.js";
import type { Figure, StudyData } from "./types.js";

/** Where figures go, from the project root: the SVG is committed, the PDF depends on the machine's fonts and is not. */
export const figuresFolder = "thesis/figures";

/** The files written for a figure. */
export interface MadeFigure {
  readonly name: string;
  readonly title: string;
  readonly svg: string;
  /** Null where rsvg-convert is not installed. */
  readonly pdf: string | null;
}

/**
 * Makes figures from the records: `thesis/figures/<name>.svg`, and `<name>.pdf` (vector, fonts embedded) where
 * rsvg-convert is installed.
 * @param figures the caller's: this room knows none by name
 * @throws RunError when rsvg-convert fails
 */
export async function makeFigures(
  figures: readonly Figure[],
  data: StudyData,
  options: { folder?: string } = {},
): Promise<MadeFigure[]> {
  const { folder = figuresFolder } = options;
  const made: MadeFigure[] = [];
  for (const figure of figures) {
    const svg = join(folder, `${figure.name}.svg`);
    writeIfChanged(svg, await drawFigure(figure, data));
    const pdf = join(folder, `${figure.name}.pdf`);
    made.push({ name: figure.name, title: figure.title, svg, pdf: (await svgToPdf(svg, pdf)) ? pdf : null });
  }
  return made;
}

/**
 * A figure as an SVG string.
 * @throws RunError when it is wider than the text block
 */
export async function drawFigure(figure: Figure, data: StudyData): Promise<string> {
  const svg = await renderChart(figure.spec(data));
  const width = Number(/^<svg [^>]*?width="([\d.]+)"/.exec(svg)?.[1]);
  if (!(width <= fullWidth)) {
    throw new RunError(
      `The figure ${figure.name} is ${width} px wide: the text block has room for ${fullWidth}.`,
    );
  }
  const title = figure.title.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `${svg.replace(/^(<svg[^>]*>)/, `$1<title>${title}</title>`)}\n`;
}

/** Converts to a vector PDF; false when the converter is not installed. The same SVG gives the same bytes. */
async function svgToPdf(svg: string, pdf: string): Promise<boolean> {
  const part = besideName(pdf);
  mkdirSync(join(pdf, ".."), { recursive: true });
  try {
    const { found, code, output } = await runTool("rsvg-convert", ["--format", "pdf", "--output", part, svg]);
    if (!found) return false;
    if (code !== 0 || !existsSync(part))
      throw new RunError(`rsvg-convert could not convert ${svg}: ${output.trim()}`);
    writeIfChanged(pdf, readFileSync(part));
    return true;
  } finally {
    rmSync(part, { force: true });
  }
}
