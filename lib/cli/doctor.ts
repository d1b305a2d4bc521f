import type { Backend, DoctorReport } from "./doctor/report.js";
import { printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle doctor`: what this machine has, what each missing piece would give and how to get it. */
export const addDoctor: AddVerb = (program) => {
  program
    .command("doctor")
    .description("tell what this machine has, what is missing, what it would give and how to get it")
    .option("--json", "print one JSON object")
    .action(async (options: { json?: boolean }) => {
      const { examine } = await import("./doctor/report.js");
      const report = await examine();
      if (options.json) printJson(report);
      else process.stdout.write(inWords(report, process.stdout.columns ?? 80));
    });
};

/** The report in lines of at most `width` characters, where a word is not longer than that. */
export function inWords(report: DoctorReport, width: number): string {
  const { backends, selected, kernel, jupyter, latex, rsvg, data, models } = report;
  const lines = [
    ...section("To run at all", [
      present("Node", report.node),
      report.npm ? present("npm", report.npm) : absent("npm", "installs the packages", "it comes with Node"),
      kernel.works
        ? present(
            "notebook kernel",
            kernel.registered ? "works, registered for VS Code and Jupyter" : "works",
          )
        : absent("notebook kernel", kernel.reason ?? "", 'run "npm ci" again'),
    ]),
    ...section(
      "To compute",
      backends.map((one) => backendLine(one, one.name === selected)),
    ),
    ...section("For notebooks in a window", [
      jupyter
        ? present("Jupyter", `${jupyter}: npx aisle lab`)
        : absent(
            "Jupyter",
            "opens the notebooks in a browser",
            "pipx install jupyterlab, or VS Code's Jupyter extension",
          ),
      ...(kernel.registered
        ? []
        : [absent("registration", "lets VS Code find the kernel", "npx aisle kernel install")]),
    ]),
    ...section("For the thesis", [
      latex
        ? present("latexmk", latex)
        : absent(
            "latexmk",
            "builds thesis/main.pdf",
            "apt install latexmk lmodern texlive-latex-recommended, or TeX Live",
          ),
      rsvg
        ? present("rsvg-convert", rsvg)
        : absent(
            "rsvg-convert",
            "makes the figures vector PDFs",
            "apt install librsvg2-bin, or brew install librsvg",
          ),
    ]),
    ...section("Data", [
      ...data.map((one) => present(one.path, `${one.products} products, ${one.goals} goals`)),
      ...(data.length === 0
        ? [absent("data/shop", "is the embedded shop", "made by itself on first use")]
        : []),
    ]),
    ...section("Models", [
      ...byFolder(models),
      ...(models.length === 0
        ? [absent("none", "a model is what imitation and GRPO train", "npx aisle model --help")]
        : []),
    ]),
  ];
  return `${lines
    .map((line) => wrapped(line, width))
    .join("\n")
    .trimEnd()}\n`;
}

function backendLine(backend: Backend, selected: boolean): string {
  const speed =
    backend.gflops === undefined ? "" : `${backend.gflops.toFixed(backend.gflops < 10 ? 1 : 0)} GFLOPS`;
  const chosen = selected ? "in use by default" : "";
  if (backend.available) return present(backend.name, [speed, chosen].filter(Boolean).join(", "));
  return `  - ${backend.name.padEnd(16)} ${backend.reason ?? "not present"}`;
}

/** Models of one folder in one line: training records alone have dozens. */
function byFolder(models: readonly string[]): string[] {
  const folders = new Map<string, string[]>();
  for (const model of models) {
    const parts = model.split("/");
    const folder = parts.slice(0, 2).join("/");
    folders.set(folder, [...(folders.get(folder) ?? []), parts.slice(2).join("/") || "."]);
  }
  return [...folders].map(([folder, names]) =>
    present(folder, names.length <= MOST_NAMES ? names.join(", ") : `${names.length} models`),
  );
}

/** More models of a folder than this are counted, not named. */
const MOST_NAMES = 8;

/** A line broken between words, what follows under its second column. */
function wrapped(line: string, width: number): string {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    if (at <= INDENT) break;
    lines.push(rest.slice(0, at));
    rest = " ".repeat(INDENT) + rest.slice(at + 1);
  }
  return [...lines, rest].join("\n");
}

/** Where the second column begins. */
const INDENT = 21;

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines, ""];
}

function present(what: string, detail: string): string {
  return `  + ${what.padEnd(16)} ${detail}`.trimEnd();
}

function absent(what: string, gives: string, how: string): string {
  return `  - ${what.padEnd(16)} missing: ${gives} (${how})`;
}
