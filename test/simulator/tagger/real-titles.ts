/** Real product texts for the comparison with spaCy, read from where they lie; none is kept here. */
import { realLines } from "../real.js";

interface Document {
  readonly product: { readonly Title: string; readonly BulletPoints: string | readonly string[] };
}
interface Dialogue {
  readonly conversations: readonly { readonly from: string; readonly value: string }[];
}
interface LogLine {
  readonly goal: { readonly name: string };
}

const LOGS = ["20220427_1_12", "20220427_1_13", "20220427_1_15", "20220427_1_6", "20220427_1_7"];

/** All real titles in the sample, and bullet points of real products up to `count` texts; the test is skipped where there is no sample. */
export function realTexts(test: Mocha.Context, count: number): { titles: string[]; points: string[] } {
  const documents = realLines<Document>(test, "documents_100.jsonl").map(({ product }) => product);
  const titles = new Set(documents.map((product) => product.Title));
  for (const { conversations } of realLines<Dialogue>(test, "text-trajectories-20.jsonl")) {
    for (const { from, value } of conversations) {
      const parts = from === "human" ? value.split(" [SEP] ") : [];
      parts.forEach((part, i) => {
        if (/^B[0-9A-Z]{9}$/.test(part) && parts[i + 1] !== undefined) titles.add(parts[i + 1]!);
      });
    }
  }
  for (const log of LOGS) titles.add(realLines<LogLine>(test, `human-logs/${log}.jsonl`)[0]!.goal.name);
  const points = new Set(documents.flatMap((product) => product.BulletPoints));
  return { titles: [...titles], points: [...points].slice(0, Math.max(0, count - titles.size)) };
}
