import { InputError } from "../base/index.js";
import { printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

interface RecordsFlags {
  readonly runs?: string;
  readonly kind: string;
  readonly describe?: boolean;
  readonly json?: boolean;
}

/** `aisle records [QUERY]`: the records that a query describes. */
export const addRecords: AddVerb = (program) => {
  program
    .command("records")
    .description("list the records that a query describes, each checked")
    .argument("[query]", 'e.g. "method = grpo, seeds = 0..2, split = test"', "")
    .option("--kind <name>", "evaluation, training, or another kind of record", "evaluation")
    .option("--runs <folder>", "where records live (default: runs and data/runs)")
    .option("--describe", "the distribution of every number that their episodes have")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nConditions: method, split, seeds, goals, first, data; joined by commas. A record that is not what it claims is refused." +
        '\n\nExamples:\n  aisle records "method = grpo, seeds = 0..2"\n  aisle records --kind training',
    )
    .action(async (text: string, flags: RecordsFlags) => {
      if (flags.kind !== "evaluation") await listKind(text, flags);
      else await listEvaluations(text, flags);
    });
};

/** Every record of a kind, in a line each. */
async function listKind(text: string, { kind, runs, json }: RecordsFlags): Promise<void> {
  const { everyRecord, recordKinds } = await import("../records/index.js");
  const known = recordKinds.map((one) => one.kind as string);
  if (!known.includes(kind)) {
    throw new InputError(`There is no kind of record "${kind}"; there are ${known.join(", ")}.`);
  }
  if (text !== "") throw new InputError("Only records of evaluations can be asked for by a query.");
  const found = everyRecord(kind, runs);
  if (json) printJson({ records: found });
  else for (const { id, line } of found) process.stdout.write(`${id.padEnd(40)} ${line}\n`);
}

async function listEvaluations(text: string, flags: RecordsFlags): Promise<void> {
  const { describeEpisodes, toText } = await import("../results/index.js");
  const { evaluationKind, parseRecordQuery, recordsWhere, summarize } = await import("../records/index.js");
  const records = recordsWhere(parseRecordQuery(text), flags.runs);
  if (flags.json) {
    const shown = records.map(({ id, path, identity, results }) => {
      const { score, successRate } = summarize(results);
      const { split, seeds, goals, backend } = identity;
      const agent = identity.agent.name;
      return { id, path, agent, split, seeds, goals: goals.count, backend, score, successRate };
    });
    printJson({ records: shown });
    return;
  }
  for (const record of records) {
    process.stdout.write(`${record.id.padEnd(32)} ${evaluationKind.lineOf(record)}\n`);
    if (flags.describe) process.stdout.write(`\n${toText(await describeEpisodes(record.results))}\n`);
  }
}
