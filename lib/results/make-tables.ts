import { existsSync } from "node:fs";
import { join } from "node:path";
import { hasStepCredit } from "./step-credit.js";
import type { StudyData } from "./figures/index.js";
import { quotedFacts } from "./quoted-facts.js";
import { methodNumbers } from "./thesis-settings.js";
import { judgedFile } from "../credit/index.js";
import { commandFor } from "./main-results.js";
import { writeIfChanged } from "../base/index.js";
import { byOrder, drawnAlone, isKnownAgent } from "./ladder.js";
import {
  algorithmsTable,
  ablationParagraphs,
  ablationsTable,
  algorithmPages,
  comparisonsTable,
  costTable,
  creditTable,
  latexId,
  latexText,
  learnedParagraphs,
  learnedSummary,
  matchSentence,
  mainTable,
  numbers,
  numbersTex,
  partsTable,
  ablationRecordsTable,
  recordsTable,
  seedSpan,
  trainingByFamily,
  type TableDocument,
  toLatex,
  toMarkdown,
  toText,
  updateReadme,
  valueTable,
} from "./tables/index.js";

/** Where the thesis's tables go, from the project root. */
export const tablesFolder = "thesis/tables";

/** Every table of the thesis. */
export function tables(data: StudyData): TableDocument[] {
  const { results, published, training, ablations, judged } = data;
  return [
    mainTable(results, published),
    partsTable(results, published),
    comparisonsTable(results),
    costTable(training),
    ablationsTable(ablations),
    algorithmsTable(training),
    creditTable(),
    valueTable(judged),
    recordsTable(data),
    ablationRecordsTable(data),
  ];
}

/** Every number that the thesis may print: from the records, from what others published, and of the method. */
export function allNumbers(data: StudyData): ReadonlyMap<string, string> {
  return new Map([
    ...numbers(data.shop, data.results, data.published, quotedFacts()),
    ...methodNumbers(),
    ["study/learned", learnedSummary(data.results)],
    ["study/match", matchSentence(data.results)],
    ["records/training", trainingIds(data.training)],
    ["records/credit", trainingIds(data.training.filter(({ metrics }) => hasStepCredit(metrics)))],
    ["records/drawn", drawnIds(data)],
    ["records/judged", judgedIds(data)],
    ["records/ablations", ablationIds(data)],
    ...["marginals", "one-change"].map((name): [string, string] => [
      `records/${name}`,
      ablationIds(data, name),
    ]),
  ]);
}

/** Training records of the main table by family and seeds, which name them: no two are alike in both. */
function trainingIds(training: StudyData["training"]): string {
  const bySeeds = new Map<string, string[]>();
  for (const { family, seeds, ids } of trainingByFamily(training)) {
    if (!isKnownAgent(family)) continue;
    const [, name = ids[0]!] = /^(.*)-\d+-[0-9a-f]{10}$/.exec(ids[0]!) ?? [];
    const those = `${seeds.length === 1 ? "seed" : "seeds"}~${latexText(seedSpan(seeds))}`;
    bySeeds.set(those, [...(bySeeds.get(those) ?? []), `\\texttt{${latexText(name)}}`]);
  }
  const all = [...bySeeds].map(([seeds, names]) => `${names.join(", ")} (${seeds})`);
  return all.length > 0 ? all.join("; ") : "none yet";
}

/** The test records of the agents that are drawn where all would be too many. */
function drawnIds({ results }: StudyData): string {
  const ids = byOrder(results, ({ agent }) => agent)
    .filter(({ agent, record }) => record && drawnAlone.has(agent))
    .map(({ record }) => latexId(record!.id));
  return ids.length > 0 ? ids.join(", ") : "none yet";
}

/** How many records each sweep has of those that it should have. */
function ablationIds({ ablations: all }: StudyData, only?: string): string {
  const ablations = all.filter(({ name }) => only === undefined || name === only);
  const counts = ablations.map(({ name, variants }) => {
    const there = variants.reduce((sum, { records }) => sum + records.length, 0);
    const all = variants.reduce((sum, { seeds }) => sum + seeds.length, 0);
    return `${there} of ${all} records of the sweep ${latexText(name)}`;
  });
  return counts.length > 0 ? counts.join(", ") : "none yet";
}

/** The file of judged decisions, and the model whose they are. */
function judgedIds({ judged }: StudyData): string {
  if (!judged) return "none yet";
  const model = judged.identity["model"] as { name?: string; fingerprint?: string } | undefined;
  return latexText(`${judgedFile} (${model?.name ?? "?"}, ${model?.fingerprint?.slice(0, 10) ?? "?"})`);
}

/** The files that were written, and the missing numbers in them. */
export interface MadeTables {
  readonly files: readonly string[];
  /** For each missing record, the command that makes it. */
  readonly missing: readonly string[];
}

/**
 * Makes all tables from the records: LaTeX and the number macros in `thesis/tables`, Markdown in README.md.
 * A missing record leaves a row that says so.
 */
export function makeTables(
  data: StudyData,
  options: { folder?: string; readme?: string | null } = {},
): MadeTables {
  const { folder = tablesFolder, readme = "README.md" } = options;
  const files: string[] = [];
  const write = (name: string, text: string): void => {
    const path = join(folder, name);
    writeIfChanged(path, text);
    files.push(path);
  };
  for (const table of tables(data)) write(`${table.name}.tex`, toLatex(table));
  write("learned.tex", learnedParagraphs(data.results));
  write("ablated.tex", ablationParagraphs(data.ablations));
  write("numbers.tex", numbersTex(allNumbers(data)));
  if (readme !== null && existsSync(readme)) {
    updateReadme(readmeBlock(data), readme);
    files.push(readme);
  }
  if (readme !== null) {
    for (const [page, block] of algorithmPages(data)) {
      const path = join("docs/algorithms", `${page}.md`);
      if (!existsSync(path)) continue;
      updateReadme(block, path);
      files.push(path);
    }
  }
  const missing = data.results
    .filter(({ record }) => !record)
    .map(({ agent, seeds }) => commandFor(agent, seeds));
  return { files, missing };
}

/** The results as README.md shows them. */
export function readmeBlock({ results, published }: StudyData): string {
  return [
    "<!-- Generated by `npx aisle tables` from the run records in data/runs. -->",
    "<!-- prettier-ignore-start -->",
    "",
    toMarkdown(mainTable(results, published)),
    "<!-- prettier-ignore-end -->",
  ].join("\n");
}

/** The results for the terminal: ours only. */
export function resultsTable({ results, published }: StudyData): string {
  const main = mainTable(results, published);
  return toText({ ...main, sections: main.sections.slice(0, 1), notes: [] });
}
