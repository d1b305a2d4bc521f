import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError, readJson } from "../base/index.js";
import type { AnyRunKind, IterationTimes } from "../runs/index.js";
import { addPluginOption, collect, integerOption, note, printJson } from "./common.js";
import type { TrainFlags } from "./train/flags.js";
import type { AddVerb } from "./verb.js";

/** `aisle train CONFIG`: one training run; the configuration's `kind` says which. */
export const addTrain: AddVerb = (program) => {
  const command = program
    .command("train")
    .description("train a policy as a configuration file says; stop it with Ctrl-C and go on with --resume")
    .argument("<config>", "the configuration, e.g. configs/grpo.json")
    .option("--out <folder>", "where the run goes (default: a folder in data/training)")
    .option("--seed <n>", "another seed than the configuration's", integerOption("--seed"))
    .option(
      "--set <setting=value>",
      "another value than the configuration's, as in update.learningRate=1e-4",
      collect,
      [],
    )
    .option("--resume", "go on from the last checkpoint, if there is one")
    .option("--force", "begin again even where a run lies")
    .option("--verify", "read and check every file of a large shop, also those that were right before")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  aisle train configs/grpo.json --seed 1" +
        "\n  aisle train configs/grpo.json --set update.learningRate=1e-4 --set iterations=3 --out data/training/try" +
        "\n  aisle train configs/il.json --resume",
    )
    .action(async (file: string, flags: TrainFlags) => {
      const { holdFolder, loadPlugins, refuseToOverwrite, runKindOf, takePlugins, withSettings } =
        await import("../runs/index.js");
      const seeded = flags.seed === undefined ? [] : [`seed=${flags.seed}`];
      const content = withSettings(readJson(file, "configuration"), [...flags.set, ...seeded], file);
      const { value, plugins } = takePlugins(content, file);
      await loadPlugins([...flags.plugin, ...plugins]);
      const kind = runKindOf(value, file);
      const config = kind.parse(value, file);
      const { out: usual, publish, unit } = kind.facts(config);
      const out = flags.out ?? usual;
      if (!flags.resume && !flags.force) {
        refuseToOverwrite(out, unit);
        if (publish !== undefined && out === usual && existsSync(join(publish, "config.json"))) {
          throw new InputError(
            `There is a model in ${publish}: --force trains it anew, --out puts it elsewhere.`,
          );
        }
      }
      // Two processes in one folder would mix their metrics.
      const release = await holdFolder(out, 5_000);
      try {
        await trainHeld(kind, config, out, flags);
      } finally {
        release();
      }
    });
  addPluginOption(command);
};

async function trainHeld(kind: AnyRunKind, config: object, out: string, flags: TrainFlags): Promise<void> {
  const { splitOf, splitText, trainKind } = await import("../runs/index.js");
  const { withInterrupts } = await import("./interrupts.js");
  const { curvesOf } = await import("../results/index.js");
  const { curveBoard } = await import("./study/curve-board.js");
  const { name, seed, iterations, unit } = kind.facts(config);
  note(`${name}, seed ${seed}: ${iterations} ${unit}s in ${out}`);
  const board = curveBoard(curvesOf(config), iterations, unit);
  const times: IterationTimes[] = [];
  const summary = await withInterrupts(
    (signal) =>
      trainKind(kind, config, {
        out,
        resume: flags.resume === true && flags.force !== true,
        verify: flags.verify === true,
        signal,
        onIteration: ({ iteration, metrics, seconds, warnings }) => {
          times.push(seconds);
          const place = `${String(iteration).padStart(5)}/${iterations}`;
          board.step(iteration, metrics, `${place}  ${kind.lineOf(metrics)}`);
          for (const warning of warnings) board.say(`      ! ${warning}`);
        },
      }),
    `Finishing this ${unit} (again to stop at once).`,
  ).finally(() => board.end());
  const lines = summary.finished ? ((await kind.examine?.(config, summary.model)) ?? []) : [];
  for (const line of lines) note(line);
  const split = splitOf(times);
  if (split) note(splitText(split));
  if (flags.json) printJson({ kind: kind.kind, name, seed, out, ...summary, times: split });
  else if (summary.finished) note(`Finished. The model is in ${summary.model}.`);
  else note(`Stopped after ${summary.iterations} ${unit}s; --resume goes on.`);
}
