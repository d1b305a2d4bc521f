import * as aq from "arquero";
import { commandFor, type MainResult } from "../main-results.js";
import type { Published } from "../published.js";
import { agentStyle, byOrder } from "../ladder.js";
import type { ColumnFormat, TableDocument, TableRow } from "./document.js";
import { latexId, latexText } from "./latex-text.js";
import { asPrinted, grouped, intervalText, oneDecimal } from "./numbers.js";

/** The main results as data: one row per agent, NaN and a note where the record is missing. */
export function mainData(results: readonly MainResult[]): aq.ColumnTable {
  return aq.from(
    byOrder(results, ({ agent }) => agent).map(({ agent, seeds, summary, record }) => ({
      agent,
      label: agentStyle(agent).label,
      score: summary?.score.value ?? NaN,
      score_lo: summary?.score.lo ?? NaN,
      score_hi: summary?.score.hi ?? NaN,
      success: summary?.successRate.value ?? NaN,
      success_lo: summary?.successRate.lo ?? NaN,
      success_hi: summary?.successRate.hi ?? NaN,
      r_type: 100 * (summary?.parts.rType.value ?? NaN),
      r_att: 100 * (summary?.parts.rAtt.value ?? NaN),
      r_option: 100 * (summary?.parts.rOption.value ?? NaN),
      r_price: 100 * (summary?.parts.rPrice.value ?? NaN),
      steps: summary?.steps ?? NaN,
      goals: summary?.goals ?? 0,
      seeds: seeds.length,
      record: record?.id ?? "",
      missing: record ? "" : `no record: ${commandFor(agent, seeds)}`,
    })),
  );
}

/** The published numbers as data, weakest first within each protocol. */
export function publishedData({ results, protocols }: Published): aq.ColumnTable {
  return aq
    .from(
      results.map((r) => ({
        ...r.parts,
        id: r.id,
        system: r.system,
        model: r.model,
        score: r.score,
        score_sd: r.sd?.score ?? NaN,
        success: r.success,
        success_sd: r.sd?.success ?? NaN,
        mark: protocols[r.protocol]!.mark,
        source: r.source,
        source_text: r.sourceText,
      })),
    )
    .orderby("mark", "score");
}

/** Main results with intervals; beneath, under their own heading, what others printed, each with its protocol's mark. */
export function mainTable(results: readonly MainResult[], published: Published): TableDocument {
  const marks = new Set(published.results.map((r) => r.protocol));
  return {
    name: "main",
    sections: [
      { heading: "Measured here: embedded shop, test goals", columns: ours, table: mainData(results) },
      {
        heading: "Published elsewhere, on other data and protocols: not comparable line by line",
        columns: theirs,
        table: publishedData(published),
      },
    ],
    notes: Object.entries(published.protocols)
      .filter(([name]) => marks.has(name))
      .map(([, { mark, text }]) => ({ mark, text })),
  };
}

const present =
  (write: (row: TableRow) => string) =>
  (row: TableRow): string =>
    row["missing"] ? "–" : write(row);

const ours: readonly ColumnFormat[] = [
  { title: "Agent", align: "left", text: (row) => String(row["label"]) },
  {
    title: "Run record",
    align: "left",
    text: (row) => String(row["missing"] ? row["missing"] : row["record"]),
    latex: (row) => (row["missing"] ? "no record" : latexId(String(row["record"]))),
  },
  { title: "Score", align: "right", text: present((row) => withInterval(row, "score")) },
  { title: "Success %", align: "right", text: present((row) => withInterval(row, "success")) },
  {
    title: "Goals × seeds",
    align: "right",
    text: present((row) => `${grouped(row["goals"] as number)} × ${row["seeds"] as number}`),
  },
];

const theirs: readonly ColumnFormat[] = [
  {
    title: "System",
    align: "left",
    text: (row) => `${row["system"] as string} (${row["mark"] as string})`,
    latex: marked,
  },
  { title: "Model", align: "left", text: (row) => String(row["model"]) },
  { title: "Score", align: "right", text: (row) => withDeviation(row, "score") },
  { title: "Success %", align: "right", text: (row) => withDeviation(row, "success") },
  {
    title: "Source",
    align: "right",
    text: (row) => String(row["source_text"]),
    latex: (row) => `${latexText(String(row["source_text"]))}~\\cite{${String(row["source"])}}`,
  },
];

function marked(row: TableRow): string {
  return `${latexText(String(row["system"]))}\\textsuperscript{${String(row["mark"])}}`;
}

function withInterval(row: TableRow, field: string): string {
  const value = row[field] as number;
  const interval = { value, lo: row[`${field}_lo`] as number, hi: row[`${field}_hi`] as number };
  return `${oneDecimal(value)} ${intervalText(interval)}`;
}

function withDeviation(row: TableRow, field: string): string {
  const deviation = row[`${field}_sd`] as number;
  const value = asPrinted(row[field] as number);
  return Number.isNaN(deviation) ? value : `${value} ± ${asPrinted(deviation)}`;
}

/** Mean parts of the reward in per cent, with WebShop's printed ones beneath. */
export function partsTable(results: readonly MainResult[], published: Published): TableDocument {
  const number = (field: string): ColumnFormat["text"] => present((row) => oneDecimal(row[field] as number));
  const columns = (first: ColumnFormat): ColumnFormat[] => [
    first,
    { title: "Type", align: "right", text: number("r_type") },
    { title: "Attributes", align: "right", text: number("r_att") },
    { title: "Options", align: "right", text: number("r_option") },
    { title: "Price", align: "right", text: number("r_price") },
  ];
  const withParts = published.results.filter((r) => r.parts);
  const marks = new Set(withParts.map((r) => r.protocol));
  return {
    name: "parts",
    sections: [
      {
        heading: "Measured here: embedded shop, test goals",
        columns: columns(ours[0]!),
        table: mainData(results),
      },
      {
        heading: "Published elsewhere, on other data",
        columns: columns(theirs[0]!),
        table: publishedData({ ...published, results: withParts }),
      },
    ],
    notes: Object.entries(published.protocols)
      .filter(([name]) => marks.has(name))
      .map(([, { mark, text }]) => ({ mark, text })),
  };
}
