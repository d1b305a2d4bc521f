import { printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle records [QUERY]`: the run records that a query describes. */
export const addRecords: AddVerb = (program) => {
  program
    .command("records")
    .description("list the run records that a query describes, each checked")
    .argument("[query]", 'e.g. "method = grpo, seeds = 0..2, split = test"', "")
    .option("--runs <folder>", "where records live", "data/runs")
    .option("--describe", "the distribution of every number that their episodes have")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nConditions: method, split, seeds, goals, first, data; joined by commas. A record that is not what it claims is refused.",
    )
    .action(async (text: string, flags: { runs: string; describe?: boolean; json?: boolean }) => {
      const { describeEpisodes, toText } = await import("../results/index.js");
      const { parseRecordQuery, recordsWhere, summarize } = await import("../records/index.js");
      const found = recordsWhere(parseRecordQuery(text), flags.runs).map(
        ({ id, path, identity, results }) => {
          const { score, successRate } = summarize(results);
          const { split, seeds, goals, backend } = identity;
          return {
            id,
            path,
            agent: identity.agent.name,
            split,
            seeds,
            goals: goals.count,
            backend,
            score,
            successRate,
            results,
          };
        },
      );
      if (flags.json) {
        printJson({ records: found.map(({ results: _, ...shown }) => shown) });
        return;
      }
      for (const { id, split, seeds, goals, score, successRate, results } of found) {
        const of = `${split}, ${goals} goals × ${seeds.length} seeds`;
        process.stdout.write(
          `${id.padEnd(32)} ${score.value.toFixed(1).padStart(5)} ${successRate.value.toFixed(1).padStart(5)} %  ${of}\n`,
        );
        if (flags.describe) process.stdout.write(`\n${toText(await describeEpisodes(results))}\n`);
      }
    });
};
