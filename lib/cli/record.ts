import { Option } from "commander";
import { addPluginOption, note, type PluginFlags, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

interface RecordFlags extends PluginFlags {
  readonly model?: "last" | "best";
  readonly check?: boolean;
  readonly runs?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** `aisle record`: keeps a finished training run as a training record, from which an agent plays. */
export const addRecord: AddVerb = (program) => {
  const command = program
    .command("record")
    .description("keep a finished training run as a record, from which `aisle evaluate --agent <name>` plays")
    .argument("<folder>", "the run, e.g. data/training/grpo-0")
    .addOption(
      new Option(
        "--model <rule>",
        "which model to keep: after the last iteration, or the best on the dev goals (default: as the kind of run says)",
      ).choices(["last", "best"]),
    )
    .option("--check", "take <folder> as a training record and only check it, its first iteration run again")
    .option("--runs <folder>", "where records live (default: runs, read together with data/runs)")
    .option("--keep", "make the record part of the committed evidence in data/runs")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe run's first iteration is run again and must give the same metrics: a record is of what can be made again." +
        "\n\nExamples:\n  aisle record data/training/grpo-0\n  aisle record data/training/grpo-0 --model best --keep" +
        "\n  aisle record --check data/runs/train-grpo-0-42c04ca145",
    )
    .action(async (folder: string, flags: RecordFlags) => {
      const { loadPlugins } = await import("../runs/index.js");
      await loadPlugins(flags.plugin);
      const { checkTrainingRecord, readOrigin, readRunConfig, recordedConfig, recordRun } =
        await import("../runs/index.js");
      const { keepAsEvidence, modelOf, readTrainingRecord } = await import("../records/index.js");
      const { defaultCatalogue, openEnvironment } = await import("../simulator/index.js");
      const { selectBackend } = await import("../tensor/index.js");
      const known = flags.check ? readTrainingRecord(folder) : null;
      const { kind, config } = known ? recordedConfig(known) : readRunConfig(folder);
      const { name, seed, data } = kind.facts(config);
      const backend = known?.identity.backend ?? readOrigin(folder)?.backend;
      await selectBackend({ requested: process.env["AISLE_BACKEND"] ?? backend });
      const catalogue = data === undefined ? null : await defaultCatalogue(data ?? undefined);
      const environment = catalogue && openEnvironment(catalogue);
      try {
        if (known) {
          await checkTrainingRecord(known, environment);
          if (flags.json) printJson({ record: known.path, holds: true });
          else process.stdout.write(`${known.path} holds: its first iteration comes out again.\n`);
          return;
        }
        const { record: made, outcome } = await recordRun({
          folder,
          environment,
          ...(flags.model === undefined ? {} : { kept: flags.model }),
          ...(flags.runs === undefined ? {} : { runs: flags.runs }),
          onStep: (what) => note(`${name}, seed ${seed}: ${what}`),
        });
        const record = flags.keep ? readTrainingRecord(keepAsEvidence(made.path)) : made;
        const { identity, iteration, path } = record;
        const { kept } = identity;
        note(
          outcome === "same"
            ? `Same as the training record ${path}.`
            : `Kept as the training record ${path}.`,
        );
        if (flags.json) {
          printJson({ name, seed, kept, iteration, model: modelOf(record), record: path, outcome });
        } else if (modelOf(record)) {
          process.stdout.write(`npx aisle evaluate --agent ${name} --seeds ${seed}\n`);
        } else note("The model is larger than 8 MB: the record holds everything but the model.");
      } finally {
        catalogue?.close();
      }
    });
  addPluginOption(command);
};
