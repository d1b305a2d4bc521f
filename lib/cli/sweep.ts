import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunOutcome, SweepPlaces } from "../runs/index.js";
import { addPluginOption, collect, integerOption, note, type PluginFlags, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

interface SweepFlags extends PluginFlags {
  readonly set: readonly string[];
  readonly processes: number;
  readonly redis?: string;
  readonly worker?: boolean;
  readonly patience: number;
  readonly out?: string;
  readonly runs: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** `aisle sweep FILE`: a grid of configurations × seeds, by a pool of processes or by workers on many machines. */
export const addSweep: AddVerb = (program) => {
  const command = program
    .command("sweep")
    .description("run a grid of configurations × seeds; start it again to go on after any interruption")
    .argument("<file>", "the sweep, e.g. configs/sweeps/marginals.json")
    .option("--processes <n>", "runs at a time on this machine", integerOption("--processes", 1, 256), 1)
    .option("--redis <url>", "share the runs among machines through this Redis: this process only schedules")
    .option("--worker", "with --redis: work on the sweep instead of scheduling it")
    .option(
      "--patience <s>",
      "with --redis: seconds until a silent worker counts as dead",
      integerOption("--patience", 1),
      30,
    )
    .option("--out <folder>", "where checkpoints go (default: data/training/<name of the sweep>)")
    .option("--runs <folder>", "where run records go (runs is read together with data/runs)", "runs")
    .option("--keep", "make the records part of the committed evidence in data/runs")
    .option(
      "--set <setting=value>",
      "another value than the base's, as in iterations=3; repeatable",
      collect,
      [],
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nOn many machines: `aisle sweep FILE --redis URL` on one, `aisle sweep FILE --redis URL --worker` on each." +
        "\nA run that is finished is not run again; one that was interrupted goes on from its checkpoint." +
        "\n\nExamples:\n  aisle sweep configs/sweeps/baselines.json\n  aisle sweep configs/sweeps/marginals.json --processes 4 --set iterations=3",
    )
    .action(async (file: string, flags: SweepFlags) => {
      // Not the whole study: a scheduler should start at once, and needs no tensor engine.
      const { readSweep, refuseFailures, runPool, scheduleSweep, workOnSweep } =
        await import("../runs/sweeps/index.js");
      const { InputError } = await import("../base/index.js");
      const { withInterrupts } = await import("./interrupts.js");
      const { sweepBoard } = await import("./study/sweep-board.js");
      if (flags.worker && flags.redis === undefined) throw new InputError("--worker needs --redis.");
      const sweep = await readSweep(file, { plugins: flags.plugin, settings: flags.set });
      const places: SweepPlaces = { out: flags.out ?? `data/training/${sweep.name}`, runs: flags.runs };
      const board = sweepBoard(sweep, flags.worker === true);
      const { events } = board;
      try {
        await withInterrupts(async (signal) => {
          const { redis, processes, patience } = flags;
          if (redis !== undefined && flags.worker) {
            const finished = await workOnSweep(sweep, places, { redis, patience, processes, signal, events });
            board.end();
            note(`This worker finished ${finished} runs.`);
            if (flags.json) printJson({ name: sweep.name, finished });
            return;
          }
          const outcomes = redis
            ? await scheduleSweep(sweep, places, { redis, signal, events })
            : await runPool(sweep, places, { processes, signal, events });
          board.end();
          if (flags.keep) await keepAll(outcomes, flags.runs);
          if (flags.json) printJson({ name: sweep.name, runs: sweep.runs.length, outcomes });
          if (signal.aborted) note("Stopped; the same command goes on.");
          else refuseFailures(outcomes);
        });
      } finally {
        board.end();
      }
    });
  addPluginOption(command);
  program.command("sweep-run", { hidden: true }).action(async () => {
    const { serveRuns } = await import("../runs/index.js");
    serveRuns();
  });
};

/** The records of finished runs as committed evidence; those that came from there stay where they are. */
async function keepAll(outcomes: readonly RunOutcome[], runs: string): Promise<void> {
  const { keepAsEvidence } = await import("../records/index.js");
  const own = outcomes.flatMap(({ records }) => records ?? []).map((id) => join(runs, id));
  for (const path of own.filter((one) => existsSync(one)))
    note(`Moved to ${keepAsEvidence(path)}: commit it.`);
}
