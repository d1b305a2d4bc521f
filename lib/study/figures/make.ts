import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { figures } from "../../../figures/index.js";
import { hasStepCredit } from "../stepCredit.js";
import { besideName, InputError, RunError } from "../../base/index.js";
import { writeIfChanged } from "../records/index.js";
import * as stats from "../stats/index.js";
import * as style from "../style/index.js";
import { asPrinted, oneDecimal } from "../tables/index.js";
import { runTool } from "../tools.js";
import { renderChart } from "./render.js";
import type { Figure, FigureKit, StudyData } from "./types.js";

const kit: FigureKit = { style, stats, hasStepCredit, format: { oneDecimal, asPrinted } };

/** Where figures go, from the project root: the SVG is committed, the PDF depends on the machine's fonts and is not. */
export const figuresFolder = "thesis/figures";

/** What making a figure wrote. */
export interface MadeFigure {
  readonly name: string;
  readonly title: string;
  readonly svg: string;
  /** Null where rsvg-convert is not installed. */
  readonly pdf: string | null;
}

/** Names of all figures, in the order of the thesis. */
export function figureNames(): string[] {
  return figures.map((figure) => figure.name);
}

/** A figure as an SVG string, for a notebook: `tslab.display.svg(await figureSvg("results-ladder", data))`. */
export async function figureSvg(name: string, data: StudyData): Promise<string> {
  return svgOf(figureNamed(name), data);
}

/**
 * Makes figures from the records: `thesis/figures/<name>.svg`, and `<name>.pdf` (vector, fonts embedded) where
 * rsvg-convert is installed.
 * @throws RunError when rsvg-convert fails
 */
export async function makeFigures(
  data: StudyData,
  options: { folder?: string; only?: readonly string[] } = {},
): Promise<MadeFigure[]> {
  const { folder = figuresFolder, only } = options;
  const wanted = only ? only.map(figureNamed) : figures;
  const made: MadeFigure[] = [];
  for (const figure of wanted) {
    const svg = join(folder, `${figure.name}.svg`);
    writeIfChanged(svg, await svgOf(figure, data));
    const pdf = join(folder, `${figure.name}.pdf`);
    made.push({ name: figure.name, title: figure.title, svg, pdf: (await svgToPdf(svg, pdf)) ? pdf : null });
  }
  return made;
}

async function svgOf(figure: Figure, data: StudyData): Promise<string> {
  const svg = await renderChart(figure.spec(data, kit));
  const width = Number(/^<svg [^>]*?width="([\d.]+)"/.exec(svg)?.[1]);
  if (!(width <= style.fullWidth)) {
    throw new RunError(
      `The figure ${figure.name} is ${width} px wide: the text block has room for ${style.fullWidth}.`,
    );
  }
  const title = figure.title.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `${svg.replace(/^(<svg[^>]*>)/, `$1<title>${title}</title>`)}\n`;
}

function figureNamed(name: string): Figure {
  const figure = figures.find((one) => one.name === name);
  if (!figure) throw new InputError(`There is no figure "${name}"; there are ${figureNames().join(", ")}.`);
  return figure;
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
