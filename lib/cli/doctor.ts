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
      else process.stdout.write(inWords(report));
    });
};

function inWords(report: DoctorReport): string {
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
      ...models.map((one) => present(one, "")),
      ...(models.length === 0
        ? [absent("none", "a model is what imitation and GRPO train", "npx aisle model --help")]
        : []),
    ]),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function backendLine(backend: Backend, selected: boolean): string {
  const speed =
    backend.gflops === undefined ? "" : `${backend.gflops.toFixed(backend.gflops < 10 ? 1 : 0)} GFLOPS`;
  const chosen = selected ? "in use by default" : "";
  if (backend.available) return present(backend.name, [speed, chosen].filter(Boolean).join(", "));
  return `  - ${backend.name.padEnd(16)} ${backend.reason ?? "not present"}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines, ""];
}

function present(what: string, detail: string): string {
  return `  + ${what.padEnd(16)} ${detail}`.trimEnd();
}

function absent(what: string, gives: string, how: string): string {
  return `  - ${what.padEnd(16)} missing: ${gives} (${how})`;
}
