import { InputError, readJson } from "../base/index.js";
import type { GrpoRun, IterationReport, IterationTimes } from "../runs/index.js";
import { note, printJson } from "./common.js";
import type { TrainFlags } from "./train/flags.js";
import type { AddVerb } from "./verb.js";

/** `aisle train CONFIG`: one training run; the configuration's `kind` says which. */
export const addTrain: AddVerb = (program) => {
  program
    .command("train")
    .description("train a policy as a configuration file says; stop it with Ctrl-C and go on with --resume")
    .argument("<config>", "the configuration, e.g. configs/grpo.json")
    .option("--out <folder>", "where the run goes (default: data/training/<name>-<seed>)")
    .option("--seed <n>", "another seed than the configuration's", Number)
    .option("--resume", "go on from the last checkpoint, if there is one")
    .option("--force", "begin again even where a run lies")
    .option("--verify", "read and check every file of a large shop, also those that were right before")
    .option("--json", "print one JSON object")
    .action(async (file: string, flags: TrainFlags) => {
      const value = readJson(file, "configuration");
      const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
      const train = typeof kind === "string" ? kinds[kind] : undefined;
      if (!train) {
        throw new InputError(
          `In ${file}, kind: "${String(kind)}" is no kind of training; there are ${Object.keys(kinds).join(", ")}.`,
        );
      }
      if (flags.seed !== undefined && !(Number.isSafeInteger(flags.seed) && flags.seed >= 0)) {
        throw new InputError("--seed must be a whole number of at least 0.");
      }
      await train(value as Record<string, unknown>, file, flags);
    });
};

type Train = (value: Record<string, unknown>, file: string, flags: TrainFlags) => Promise<void>;

const kinds: Readonly<Record<string, Train>> = {
  grpo: trainGrpo,
  pretrain: trainByImitation,
  imitate: trainByImitation,
};

async function trainByImitation(
  value: Record<string, unknown>,
  file: string,
  flags: TrainFlags,
): Promise<void> {
  const { runImitation } = await import("./train/imitation.js");
  await runImitation(value, file, flags);
}

async function trainGrpo(value: Record<string, unknown>, file: string, flags: TrainFlags): Promise<void> {
  const { holdFolder, parseGrpoRun, RunFolder } = await import("../runs/index.js");
  const config = parseGrpoRun({ ...value, ...(flags.seed === undefined ? {} : { seed: flags.seed }) }, file);
  const out = flags.out ?? `data/training/${config.name}-${config.seed}`;
  const begun = new RunFolder(out).progress();
  if (begun && !flags.resume && !flags.force) {
    throw new InputError(
      `A run of ${begun.iteration} iterations lies in ${out}: --resume goes on with it, --force begins again.`,
    );
  }
  // Two processes in one folder would mix their metrics.
  const release = await holdFolder(out, 5_000);
  try {
    await trainHeld(config, out, flags);
  } finally {
    release();
  }
}

async function trainHeld(config: GrpoRun, out: string, flags: TrainFlags): Promise<void> {
  const { runGrpo } = await import("../runs/index.js");
  const { defaultCatalogue, openEnvironment } = await import("../simulator/index.js");
  const { withInterrupts } = await import("./interrupts.js");
  const { selectBackend } = await import("../tensor/index.js");
  await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const catalogue = await defaultCatalogue(config.data ?? undefined, { verify: flags.verify === true });
  note(`${config.name}, seed ${config.seed}: ${config.iterations} iterations in ${out}`);
  const { rlCurves, rlCurvesWithReference } = await import("../results/index.js");
  const { splitOf, splitText } = await import("../runs/index.js");
  const { curveBoard } = await import("./study/curve-board.js");
  const board = curveBoard(config.learner.objective.kl ? rlCurvesWithReference : rlCurves, config.iterations);
  const times: IterationTimes[] = [];
  try {
    const summary = await withInterrupts((signal) =>
      runGrpo({
        config,
        environment: openEnvironment(catalogue),
        out,
        resume: flags.resume === true && flags.force !== true,
        signal,
        onIteration: (report) => {
          times.push(report.seconds);
          board.step(report.iteration, report.metrics, lineOf(report));
          for (const warning of report.warnings) board.say(`      ! ${warning}`);
        },
      }),
    );
    board.end();
    const split = splitOf(times);
    if (split) note(splitText(split));
    if (flags.json) printJson({ name: config.name, seed: config.seed, out, ...summary, times: split });
    else if (summary.finished) note(`Finished. The model is in ${summary.model}.`);
    else note(`Stopped after ${summary.iterations} iterations; --resume goes on.`);
  } finally {
    catalogue.close();
  }
}

/** One line an iteration: what matters. */
function lineOf({ iteration, iterations, metrics }: IterationReport): string {
  const number = (name: string, digits = 3): string => (metrics[name] ?? NaN).toFixed(digits);
  const dev = "dev/score" in metrics ? `  dev ${number("dev/score", 1)} / ${number("dev/success", 1)} %` : "";
  return (
    `${String(iteration).padStart(5)}/${iterations}  return ${number("return/mean")}  success ${number("success_rate")}` +
    `  entropy ${number("entropy")}  kl ${number("kl_old/k3", 4)}  clip ${number("clip/frac")}` +
    `  grad ${number("grad_norm", 2)}${dev}`
  );
}
