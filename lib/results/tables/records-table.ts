import * as aq from "arquero";
import type { StudyData } from "../figures/types.js";
import { byOrder, isKnownAgent } from "../ladder.js";
import type { ColumnFormat, TableDocument } from "./document.js";
import { latexId, latexText } from "./latex-text.js";

/** A record's folder without its key, and the key: `train-grpo-0` and `42c04ca145`. */
function split(id: string): { name: string; key: string } {
  const [, name = id, key = ""] = /^(.*)-([0-9a-f]{10})$/.exec(id) ?? [];
  return { name, key };
}

/** Seeds in few words: 0–2 where none is left out. */
export function seedSpan(seeds: readonly number[]): string {
  const whole = seeds.every((seed, i) => seed === seeds[0]! + i);
  return whole && seeds.length > 2 ? `${seeds[0]}–${seeds.at(-1)}` : seeds.join(", ");
}

const text = (title: string, field: string): ColumnFormat => ({
  title,
  align: "left",
  text: (row) => String(row[field]),
});
const typed = (title: string, field: string): ColumnFormat => ({
  ...text(title, field),
  latex: (row) =>
    String(row[field])
      .split(", ")
      .map((one) => (/^[0-9a-f]{10}$|-/.test(one) ? latexId(one) : latexText(one)))
      .join(", "),
});

/** Training records by family, in the ladder's order: name, seeds, ids. Families without a look of their own come last. */
export function trainingByFamily(
  training: StudyData["training"],
): { family: string; seeds: number[]; ids: string[] }[] {
  const names = byOrder([...new Set(training.map(({ record }) => record.identity.name))], (name) => name);
  return names.map((family) => {
    const own = training.filter(({ record }) => record.identity.name === family);
    return {
      family,
      seeds: own.map(({ record }) => record.identity.seed),
      ids: own.map(({ record }) => record.id),
    };
  });
}

/** Records in their order of appearance: folder, seeds, keys. */
interface Made {
  readonly name: string;
  readonly seeds: readonly number[];
  readonly ids: readonly string[];
}

const columns = [typed("Record", "name"), text("Seeds", "seeds"), typed("Key", "keys")];

const section = (heading: string, made: readonly Made[]): TableDocument["sections"][number] => ({
  heading,
  columns,
  table: aq.from(
    made.length > 0
      ? made.map(({ name, seeds, ids }) => ({
          name,
          seeds: seedSpan(seeds),
          keys: ids.map((id) => split(id).key).join(", "),
        }))
      : [{ name: "–", seeds: "–", keys: "none yet" }],
  ),
});

/** The run records of the main results that the thesis was made from: folder, seeds and key, in `data/runs`. */
export function recordsTable({ results, training }: StudyData): TableDocument {
  const played = byOrder(results, ({ agent }) => agent).flatMap(({ record }) =>
    record ? [{ name: split(record.id).name, seeds: record.identity.seeds, ids: [record.id] }] : [],
  );
  const trained = trainingByFamily(training)
    .filter(({ family }) => isKnownAgent(family))
    .map(({ seeds, ids }) => ({ name: split(ids[0]!).name.replace(/-\d+$/, ""), seeds, ids }));
  return {
    name: "records",
    sections: [
      section("Evaluations on the test goals", played),
      section("Training runs, one a seed", trained),
    ],
    notes: [],
  };
}

/** Those of the ablations, one section a sweep: a table of its own, since both together are longer than a page. */
export function ablationRecordsTable({ ablations }: StudyData): TableDocument {
  const made = ablations.flatMap(({ name, variants }) => {
    const rows = variants
      .filter(({ records }) => records.length > 0)
      .map(({ records }) => ({
        name: split(records[0]!.id).name,
        seeds: records.flatMap(({ identity }) => identity.seeds),
        ids: records.map(({ id }) => id),
      }));
    return rows.length > 0 ? [section(`Sweep ${name}, one a seed`, rows)] : [];
  });
  return {
    name: "ablation-records",
    sections: made.length > 0 ? made : [section("Evaluations of ablations, one a seed", [])],
    notes: [],
  };
}
