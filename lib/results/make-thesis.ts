import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../base/index.js";
import { type Figure, type MadeFigure, makeFigures, type StudyData } from "./figures/index.js";
import { type MadeTables, makeTables } from "./make-tables.js";
import { runTool } from "./tools.js";

/** The result of building the thesis. */
export interface MadeThesis {
  /** The PDF, or null where a program that it needs is not installed. */
  readonly pdf: string | null;
  readonly pages: number;
  /** The missing tools, with how to get them. */
  readonly lacking: readonly string[];
  readonly figures: readonly MadeFigure[];
  readonly tables: MadeTables;
}

const latexmk =
  "latexmk with a LaTeX (Debian: apt install texlive-latex-recommended lmodern latexmk; macOS: MacTeX; Windows: MiKTeX with Perl)";
const rsvg =
  "rsvg-convert (Debian: apt install librsvg2-bin; macOS: brew install librsvg; Windows: scoop install librsvg)";

/**
 * Makes tables and figures from the records and builds `thesis/main.pdf`.
 * @throws RunError when the document does not build, or builds with an undefined reference, a missing number or a line
 * that is too wide: the message names the place
 */
export async function makeThesis(
  figures: readonly Figure[],
  data: StudyData,
  options: { folder?: string; readme?: string | null } = {},
): Promise<MadeThesis> {
  const { folder = "thesis", readme = "README.md" } = options;
  const tables = makeTables(data, { folder: join(folder, "tables"), readme });
  const drawn = await makeFigures(figures, data, { folder: join(folder, "figures") });
  const built = { figures: drawn, tables };
  const lacking = drawn.some(({ pdf }) => pdf === null) ? [rsvg] : [];
  const pdf = join(folder, "main.pdf");
  if (lacking.length > 0) {
    const { found } = await runTool("latexmk", ["--version"]);
    return { ...built, pdf: null, pages: 0, lacking: found ? lacking : [...lacking, latexmk] };
  }
  const started = Date.now();
  const args = ["-pdf", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error", "main.tex"];
  const run = await runTool("latexmk", args, { cwd: folder });
  if (!run.found) return { ...built, pdf: null, pages: 0, lacking: [latexmk] };
  const logFile = join(folder, "main.log");
  const log = existsSync(logFile) ? unwrap(readFileSync(logFile, "latin1")) : "";
  const faults = faultsIn(log);
  if (run.code !== 0 || faults.length > 0 || !existsSync(pdf)) {
    // A PDF with "??" in it, or one of an earlier state, must not be taken for the thesis.
    if (existsSync(pdf) && statSync(pdf).mtimeMs >= started - 1000) rmSync(pdf);
    rmSync(join(folder, "main.fdb_latexmk"), { force: true }); // so that the next build looks again
    const why = faults.length > 0 ? faults.join("; ") : run.output.trim().split("\n").slice(-5).join(" ");
    throw new RunError(`The thesis does not build: ${why} (${logFile} has the whole story).`);
  }
  return { ...built, pdf, pages: Number(/Output written on .* \((\d+) pages?/.exec(log)?.[1] ?? 0), lacking };
}

/** TeX breaks its log's lines after 79 characters; joined again, a message can be read and matched. */
function unwrap(log: string): string {
  return log.replace(/^(.{79})\n/gm, "$1");
}

/** Everything in a LaTeX log that must not be in a finished thesis, in words; at most the first five. */
export function faultsIn(log: string): string[] {
  const rules: readonly [RegExp, (found: RegExpMatchArray) => string][] = [
    [/^(\S+\.(?:tex|sty)):(\d+): (.*)$/gm, ([, file, line, message]) => `${file} line ${line}: ${message}`],
    [/^! (.*)$/gm, ([, message]) => String(message)],
    [
      /^LaTeX Warning: (Reference|Citation) [`'](.+?)' .*undefined/gm,
      ([, kind, name]) => `${kind} "${name}" is undefined`,
    ],
    [
      /^Package natbib Warning: Citation [`'](.+?)' .*undefined/gm,
      ([, name]) => `Citation "${name}" is undefined`,
    ],
    [/^LaTeX Warning: Label [`'](.+?)' multiply defined/gm, ([, name]) => `Label "${name}" is defined twice`],
    [
      /^Overfull \\([hv])box \(([\d.]+)pt too (?:wide|high)\)(.*)$/gm,
      ([, axis, by, where]) =>
        `${axis === "h" ? "a line is too wide" : "a page is too full"} by ${by} pt${where}`,
    ],
    [
      /^LaTeX Warning: Float too large for page by (.*?) on/gm,
      ([, by]) => `a figure or table is too large for its page by ${by}`,
    ],
  ];
  const faults = rules.flatMap(([pattern, say]) => [...log.matchAll(pattern)].map(say));
  return [...new Set(faults)].slice(0, 5);
}
