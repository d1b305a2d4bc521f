import type { Command } from "commander";
import { integerOption, note, printJson } from "../common.js";

interface BenchSearchOptions {
  readonly products: number;
  readonly queries: number;
  readonly lucene?: boolean;
  readonly json?: boolean;
}

/** `aisle bench search`: building, opening and searching a shop of any size, beside Lucene where asked. */
export function addBenchSearch(bench: Command): void {
  bench
    .command("search")
    .description("build, open and search a generated shop; compare with Lucene")
    .option("--products <n>", "size of the shop", integerOption("--products", 100, 1_181_436), 100_000)
    .option(
      "--queries <n>",
      "how many goal instructions to search for",
      integerOption("--queries", 1, 10_000),
      500,
    )
    .option("--lucene", "also run Lucene 9 on the same corpus (needs Java 17, Maven and its repository)")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nThe shop is kept in data/cache; remove it to measure the building again.")
    .action(async (options: BenchSearchOptions) => {
      const { benchSearch } = await import("./search-run.js");
      const result = await benchSearch(options, note);
      if (options.json) {
        printJson(result);
        return;
      }
      const { built, opened, search, lucene } = result;
      const rows = [
        ["products", String(result.products)],
        [
          "build",
          built
            ? `${built.seconds.toFixed(0)} s, ${built.peakGigabytes.toFixed(2)} GB at most`
            : "done before",
        ],
        ["open", `${opened.seconds.toFixed(2)} s, ${opened.gigabytes.toFixed(2)} GB resident`],
        ["search", `median ${search.median.toFixed(3)} ms, p95 ${search.p95.toFixed(3)} ms`],
      ];
      if (lucene) {
        const ratio = (ours: number, theirs: number): string => `${(theirs / ours).toFixed(1)} ×`;
        rows.push(
          [
            `Lucene ${lucene.version}`,
            `median ${lucene.median.toFixed(3)} ms, p95 ${lucene.p95.toFixed(3)} ms`,
          ],
          ["faster", `median ${ratio(search.median, lucene.median)}, p95 ${ratio(search.p95, lucene.p95)}`],
          ["same top 50", `${lucene.sameRanking} of ${result.queries} queries`],
        );
      }
      for (const [name, value] of rows) process.stdout.write(`${name!.padEnd(14)} ${value!}\n`);
    });
}
