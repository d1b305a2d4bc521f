import { mkdirSync } from "node:fs";
import path from "node:path";
import { RunError } from "../../base/index.js";
import { note } from "../common.js";
import { buildReporter } from "../data/report.js";
import { duration } from "../progress.js";
import { notebookReporter } from "./bar.js";
import type { Plan } from "./plan.js";

/**
 * Does what the plan says, in order: the shop, the notebooks, the results.
 * @throws CellError for a cell that fails; RunError when it is interrupted or a result cannot be made
 */
export async function carryOut(plan: Plan, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  if (plan.makeShop) {
    const { ensureShop } = await import("../../simulator/index.js");
    const report = buildReporter();
    await ensureShop(undefined, { progress: report.building });
    report.end();
  }
  await runNotebooks(plan, signal);
  stopIf(signal);
  if (plan.results) await makeResults(plan);
  note(`\nDone in ${duration((performance.now() - started) / 1000)}.`);
}

async function runNotebooks(plan: Plan, signal: AbortSignal): Promise<void> {
  const { runNotebook } = await import("../../notebook/index.js");
  const report = notebookReporter(plan.notebooks);
  try {
    for (const notebook of plan.notebooks) {
      stopIf(signal);
      const out = plan.outOf(notebook);
      mkdirSync(path.dirname(out), { recursive: true });
      report.begin(notebook);
      // The committed notebooks are of the seminar's size by themselves.
      const parameters: Record<string, string> =
        plan.profile !== "seminar" && notebook.parameters.includes("profile")
          ? { profile: plan.profile }
          : {};
      const result = await runNotebook(notebook.file, {
        out,
        parameters,
        signal,
        kernel: { env: { AISLE_PROFILE: plan.profile, ...(plan.force && { AISLE_FORCE: "1" }) } },
        onProgress: report.progress,
      });
      report.done(result.seconds);
    }
  } finally {
    report.end();
  }
}

async function makeResults(plan: Plan): Promise<void> {
  const results = await import("../../results/index.js");
  const every = (await import("../../../figures/index.js")).figures;
  const data = await results.defaultStudyData();
  const looks: string[] =
    plan.notebooks.length > 0 ? [`${path.dirname(plan.outOf(plan.notebooks[0]!))}/`] : [];
  if (data.results.some(({ record }) => record === null)) {
    // A picture of half the results would mislead; the table says which are missing.
    const { files, missing } = results.makeTables(data);
    looks.push(...files.slice(0, 1).map((file) => `${path.dirname(file)}/`));
    for (const command of missing)
      note(`A result is missing, so no figure was drawn; "${command}" makes it.`);
  } else if (plan.thesis) {
    const { pdf, lacking, tables, figures } = await results.makeThesis(every, data);
    for (const what of lacking) note(`The thesis's PDF was left out: it needs ${what}.`);
    looks.push(...figures.slice(0, 1).map(({ svg }) => `${path.dirname(svg)}/`));
    looks.push(...tables.files.slice(0, 1).map((file) => `${path.dirname(file)}/`));
    if (pdf !== null) looks.push(pdf);
  }
  process.stdout.write(`\n${results.resultsTable(data)}\n`);
  note(`Look at ${looks.join(", ")}; "npx aisle lab" opens the notebooks, and README.md goes on from here.`);
}

function stopIf(signal: AbortSignal): void {
  if (signal.aborted)
    throw new RunError("Interrupted; what is finished is kept, and the next run goes on from it.");
}
