import { Option, type Command } from "commander";
import { InputError } from "../../base/index.js";
import { note, printJson } from "../common.js";
import { withInterrupts } from "../interrupts.js";
import { buildReporter } from "./report.js";

interface FetchFlags {
  readonly set: "all" | "small";
  readonly out: string;
  readonly base?: string;
  readonly json?: boolean;
}

/** `aisle data fetch`: WebShop's own files, where a network allows it. */
export function addDataFetch(data: Command): void {
  data
    .command("fetch")
    .description("download WebShop's files; an interrupted download goes on where it stopped")
    .addOption(
      new Option("--set <set>", "all products (5.4 GB), or the first 1,000").choices(["all", "small"]).default("small"),
    )
    .option("--out <folder>", "where they go", "data/webshop-files")
    .option("--base <url>", "a mirror that has the files under their names (default: WebShop's own links)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nSizes and SHA-256 of what arrived are recorded in fetched.json. Then: aisle data import --help",
    )
    .action(async (flags: FetchFlags) => {
      if (flags.base !== undefined && !/^https?:\/\/[^/]/.test(flags.base)) {
        throw new InputError(`--base must be a web address such as https://example.org/webshop, not "${flags.base}".`);
      }
      const { fetchWebShop } = await import("../../simulator/catalogue/index.js");
      const report = buildReporter();
      try {
        const files = await withInterrupts((signal) =>
          fetchWebShop(flags.out, {
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
          printJson({ out: flags.out, files });
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
