import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { InputError } from "../../base/index.js";
import type { NotebookEstimate } from "../../notebook/index.js";
import { duration } from "../progress.js";
import type { Profile } from "./profile.js";

/** Everything that `aisle reproduce` is about to do. */
export interface Plan {
  readonly profile: Profile;
  readonly force: boolean;
  readonly notebooks: readonly NotebookEstimate[];
  /** Where a notebook's executed form goes. */
  outOf(notebook: NotebookEstimate): string;
  /** Whether the embedded shop has to be made first. */
  readonly makeShop: boolean;
  /** The outputs that are made from the run records afterwards. */
  readonly results: boolean;
  /** Whether there is a thesis to build. */
  readonly thesis: boolean;
  readonly seconds: number;
}

/** The folder of the numbered notebooks. */
const FOLDER = "notebooks";
const SHOP_SECONDS = 10;
const RESULTS_SECONDS = 10;

/**
 * Looks at what there is to do.
 * @throws InputError when `only` names no notebook, or one cannot be read
 */
export async function plan(options: {
  profile: Profile;
  only?: string;
  force?: boolean;
  results?: boolean;
}): Promise<Plan> {
  const { estimateNotebook } = await import("../../notebook/index.js");
  const { DEFAULT_SHOP, isCatalogue } = await import("../../simulator/index.js");
  const { profile, only, force = false, results = true } = options;
  const notebooks = chosen(only).map((file) => estimateNotebook(file, profile));
  const makeShop = !isCatalogue(DEFAULT_SHOP);
  const seconds =
    notebooks.reduce((sum, one) => sum + one.seconds, 0) +
    (makeShop ? SHOP_SECONDS : 0) +
    (results ? RESULTS_SECONDS : 0);
  return {
    profile,
    force,
    notebooks,
    outOf: ({ file }) =>
      profile === "seminar" ? file : path.join("data", "tmp", `notebooks-${profile}`, path.basename(file)),
    makeShop,
    results,
    thesis: existsSync(path.join("thesis", "main.tex")),
    seconds,
  };
}

/** The plan as it is shown before anything starts. */
export function planInWords(work: Plan): string {
  const width = Math.max(8, ...work.notebooks.map(({ file }) => file.length));
  const lines = work.notebooks.map(
    ({ file, cells, seconds, title }) =>
      `  ${file.padEnd(width)}  ${String(cells).padStart(3)} cells, ${duration(seconds).padStart(6)}  ${title}`,
  );
  return [
    `Aisle, profile ${work.profile}: about ${duration(work.seconds)}${work.force ? ", everything anew" : ""}.`,
    ...(work.makeShop
      ? [`  ${"the shop".padEnd(width)}  made on this first run, ${duration(SHOP_SECONDS)}`]
      : []),
    ...lines,
    ...(work.results
      ? [
          `  ${"results".padEnd(width)}  figures and tables${work.thesis ? ", and the thesis where LaTeX is found" : ""}`,
        ]
      : []),
    "Ctrl-C is safe: what is finished is kept, and the next run goes on from it.",
    "",
  ].join("\n");
}

function chosen(only: string | undefined): string[] {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".ipynb")) : [];
  names.sort();
  if (only === undefined) return names.map((name) => path.posix.join(FOLDER, name));
  const wanted = only.split(",").map((one) => one.trim());
  for (const one of wanted) {
    if (one === "" || !names.some((name) => name.startsWith(one)))
      throw new InputError(
        `--only ${only}: no notebook begins with "${one}"; there are ${names.join(", ") || "none"}.`,
      );
  }
  return names
    .filter((name) => wanted.some((one) => name.startsWith(one)))
    .map((name) => path.posix.join(FOLDER, name));
}
