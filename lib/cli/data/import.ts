import { Option, type Command } from "commander";
import { integerOption, note, printJson } from "../common.js";
import { buildReporter } from "./report.js";

const WHERE = `
Where the files come from:
  WebShop's authors give links to items_shuffle.json (5.2 GB, 1,181,436 rows), items_ins_v2.json and
  items_human_ins.json, and to cuts of the first 1,000 products, in the README and setup script of
  github.com/princeton-nlp/WebShop; "aisle data fetch" downloads them where your network allows it.
  documents.jsonl is in the resources folder of a WebShop installation: the products that its search engine indexes.
  Every file may be gzipped. Product texts were scraped from shops: keep them for research.

Examples:
  aisle data import --products items_shuffle.json --attributes items_ins_v2.json \\
      --instructions items_human_ins.json --out data/webshop
  aisle data import --documents documents.jsonl --attributes items_ins_v2_1000.json --out data/webshop-small

An import that is interrupted leaves nothing behind but a hidden part, which the next one removes: start it again.`;

interface ImportOptions {
  readonly products?: string;
  readonly documents?: string;
  readonly attributes: string;
  readonly instructions?: string;
  readonly out: string;
  readonly goals?: "human" | "synthetic";
  readonly limit?: number;
  readonly priceSeed?: number;
  readonly skipBad?: boolean;
  readonly json?: boolean;
}

/** `aisle data import`: WebShop's own files become a catalogue. */
export function addDataImport(data: Command): void {
  data
    .command("import")
    .description("build a shop from WebShop's own files")
    .option("--products <file>", "items_shuffle.json or a cut of it: a JSON array of rows")
    .option("--documents <file>", "instead: documents.jsonl of a WebShop index")
    .requiredOption("--attributes <file>", "items_ins_v2.json or a cut of it")
    .option("--instructions <file>", "items_human_ins.json: people's requests")
    .requiredOption("--out <folder>", "where the shop goes; an older shop there is replaced")
    .addOption(
      new Option("--goals <kind>", "which requests become goals (default: human with --instructions)").choices([
        "human",
        "synthetic",
      ]),
    )
    .option("--limit <rows>", "take only the first rows", integerOption("--limit", 1))
    .option("--price-seed <seed>", "seed of prices drawn from ranges and of price bounds", integerOption("--price-seed"))
    .option("--skip-bad", "list rows and entries that cannot be read, and go on without them")
    .option("--json", "print one JSON object")
    .addHelpText("after", WHERE)
    .action(async (options: ImportOptions) => {
      const { buildCatalogue, webShopSource } = await import("../../simulator/index.js");
      const report = buildReporter();
      let bad = 0;
      const source = webShopSource(
        {
          ...options,
          goals: options.goals ?? (options.instructions === undefined ? "synthetic" : "human"),
          skipBad: options.skipBad
            ? (problem) => {
                bad++;
                report.end(); // a bar and a list do not share a line
                note(`Passed over: ${problem.message.replace(/ Mend or remove it.*$/s, "")}`);
              }
            : undefined,
        },
        report.reading,
      );
      try {
        const manifest = await buildCatalogue(source, options.out, {
          progress: report.building,
          ...(options.priceSeed === undefined ? {} : { priceSeed: options.priceSeed }),
        });
        report.end();
        const { products, goals, goalKind, fingerprint } = manifest;
        const { duplicates, badAsins } = source.dropped;
        if (options.json) {
          const skipped = options.skipBad ? { bad } : {};
          printJson({
            out: options.out,
            products,
            goals,
            goalKind,
            duplicates,
            badAsins,
            ...skipped,
            fingerprint,
          });
        } else {
          note(`${options.out}: ${products} products, ${goals} ${goalKind} goals.`);
          if (duplicates + badAsins > 0) {
            note(`Passed over as WebShop does: ${duplicates} repeated ASINs, ${badAsins} ASINs that are none.`);
          }
          if (bad > 0) note(`Passed over because they are bad: ${bad}, listed above.`);
          if (goals === 0) note("No product has an instruction of this kind: there is nothing to ask for.");
        }
      } finally {
        report.end();
      }
    });
}
