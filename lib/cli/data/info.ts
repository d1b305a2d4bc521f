import type { Command } from "commander";
import { note, printJson } from "../common.js";
import { buildReporter } from "./report.js";

/** `aisle data info`: what a shop holds. */
export function addDataInfo(data: Command): void {
  data
    .command("info")
    .description("count a shop's products and goals, and show its fingerprint")
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--verify", "read and check every file, also those of a large shop that were right before")
    .option("--json", "print one JSON object")
    .action(async (options: { data?: string; verify?: boolean; json?: boolean }) => {
      const { chooseTagger, defaultCatalogue, hasSpacyTagger, splitRanges } =
        await import("../../simulator/index.js");
      const report = buildReporter();
      const catalogue = await defaultCatalogue(options.data, {
        progress: report.building,
        checking: report.checking,
        verify: options.verify === true,
      });
      report.end();
      const { manifest } = catalogue;
      const ranges = splitRanges(catalogue.goalCount);
      const count = ({ start, end }: { start: number; end: number }): number => end - start;
      const splits = { test: count(ranges.test), dev: count(ranges.dev), train: count(ranges.train) };
      const { size: products, goalCount: goals, fingerprint } = catalogue;
      const tagger = chooseTagger(catalogue).name;
      catalogue.close();
      if (options.json) {
        printJson({ products, goals, splits, fingerprint, tagger });
        return;
      }
      note(`Made from ${manifest.source}; price seed ${manifest.priceSeed}, goal seed ${manifest.goalSeed}.`);
      process.stdout.write(
        `products     ${products}\n` +
          `goals        ${goals} (${manifest.goalKind})\n` +
          `splits       test ${splits.test}, dev ${splits.dev}, train ${splits.train}\n` +
          `fingerprint  ${fingerprint}\n` +
          `nouns        ${tagger}\n`,
      );
      if (catalogue.webshop && !hasSpacyTagger()) {
        note('WebShop finds nouns with spaCy: "aisle data fetch tagger" gets its weights, until then ours stand in.');
      }
    });
}
