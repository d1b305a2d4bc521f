import { integerOption, printJson } from "./common.js";
import { buildReporter } from "./data/report.js";
import type { AddVerb } from "./verb.js";

/** WebShop's search engine answers with so many products at most. */
const WEBSHOP_RESULTS = 50;

interface SearchOptions {
  readonly data?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** `aisle search`: the best products for a query, with scores and time. */
export const addSearch: AddVerb = (program) => {
  program
    .command("search")
    .description("search a shop as its shoppers do")
    .argument("<query...>", "words to search for")
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--limit <k>", "how many results to show", integerOption("--limit", 1, 10_000), 10)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe ranking is BM25 over Lucene's English terms. `total` counts what the shop would show, at most 50 or --limit.",
    )
    .action(async (words: string[], options: SearchOptions) => {
      const { defaultCatalogue } = await import("../simulator/index.js");
      const report = buildReporter();
      const catalogue = await defaultCatalogue(options.data, { progress: report.building });
      report.end();
      const query = words.join(" ");
      const start = performance.now();
      const hits = catalogue.search(query, Math.max(options.limit, WEBSHOP_RESULTS));
      const ms = Math.round((performance.now() - start) * 1000) / 1000;
      const results = hits.slice(0, options.limit).map(({ index, score }) => {
        const { asin, title } = catalogue.product(index);
        return { asin, score, title, price: catalogue.price(index) };
      });
      catalogue.close();
      if (options.json) {
        printJson({ query, total: hits.length, ms, results });
        return;
      }
      for (const { asin, score, title, price } of results) {
        process.stdout.write(
          `${score.toFixed(3).padStart(8)}  ${asin.padEnd(10)}  ${`$${price.toFixed(2)}`.padStart(9)}  ${plain(title)}\n`,
        );
      }
      process.stderr.write(`${hits.length} results in ${ms.toFixed(2)} ms\n`);
    });
};

/** A title on one line, without what a terminal would obey. */
function plain(title: string): string {
  const line = title.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
