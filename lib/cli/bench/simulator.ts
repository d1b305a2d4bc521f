import type { Command } from "commander";
import { integerOption, printJson } from "../common.js";

/** `aisle bench simulator`: steps per second of scripted shoppers, and what an idle session weighs. */
export function addBenchSimulator(bench: Command): void {
  bench
    .command("simulator")
    .description("steps per second in text mode with scripted shoppers, and bytes per idle session")
    .option("--data <folder>", "the shop (default: the embedded one)")
    .option("--seconds <n>", "how long to measure", integerOption("--seconds", 1, 600), 5)
    .option("--json", "print one JSON object")
    .action(async (options: { data?: string; seconds: number; json?: boolean }) => {
      const { benchSimulator } = await import("./simulator-run.js");
      const result = await benchSimulator(options);
      if (options.json) return printJson(result);
      for (const { script, steps, median, first } of result.scripts) {
        process.stdout.write(
          `${script.padEnd(10)} ${Math.round(median)} steps/s (first pass ${Math.round(first)}), ${steps} steps an episode\n`,
        );
      }
      process.stdout.write(`idle session ${Math.round(result.bytesPerSession)} bytes\n`);
    });
}
