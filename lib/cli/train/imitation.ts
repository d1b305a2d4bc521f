import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/index.js";
import type { DecisionMeasure, LoopResult, Measured, RunOptions, StepReport } from "../../imitation/index.js";
import { note, printJson } from "../common.js";
import { withInterrupts } from "../interrupts.js";
import { duration } from "../progress.js";
import type { TrainFlags } from "./flags.js";

/** `aisle train` of a base model or by imitation. */
export async function runImitation(
  value: Record<string, unknown>,
  file: string,
  flags: TrainFlags,
): Promise<void> {
  const { checkpointFolder, imitate, measureModel, parseImitationConfig } =
    await import("../../imitation/index.js");
  const { pretrain } = await import("../../pretraining/index.js");
  const config = parseImitationConfig(
    {
      ...value,
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.out === undefined ? {} : { out: flags.out }),
    },
    file,
  );
  const begun = existsSync(join(checkpointFolder(config.out), "state.json"));
  if (!flags.resume && !flags.force && existsSync(join(config.out, "config.json"))) {
    throw new InputError(
      `There is a model in ${config.out}: --force trains it anew, --out puts it elsewhere.`,
    );
  }
  if (begun && !flags.resume && !flags.force) {
    throw new InputError(
      `A run for ${config.out} was begun: --resume goes on with it, --force begins again.`,
    );
  }
  const { selectBackend } = await import("../../tensor/index.js");
  await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const started = performance.now();
  const report = reporter();
  const common: RunOptions = {
    workers: workers(),
    resume: flags.resume === true && flags.force !== true,
    onStep: report.step,
    onMeasured: report.measured,
  };
  let decisions: DecisionMeasure | undefined;
  const result = await withInterrupts(async (signal): Promise<LoopResult> => {
    const options = { ...common, signal };
    if (config.kind === "pretrain") return pretrain(config, options);
    const { defaultCatalogue } = await import("../../simulator/index.js");
    const catalogue = await defaultCatalogue(config.data, { verify: flags.verify === true });
    try {
      const ended = await imitate(config, catalogue, options);
      if (!ended.interrupted && config.decisionGoals > 0) {
        decisions = await measureModel(config.out, catalogue, config.decisionGoals);
      }
      return ended;
    } finally {
      catalogue.close();
    }
  });
  const last = result.measured.at(-1)?.values ?? {};
  if (decisions) for (const line of decisionLines(decisions)) note(line);
  if (flags.json) {
    printJson({
      kind: config.kind,
      out: config.out,
      steps: result.steps,
      finished: !result.interrupted,
      dev: last,
      ...(decisions ? { decisions } : {}),
    });
  } else if (result.interrupted) note(`Stopped after ${result.steps} steps; --resume goes on.`);
  else {
    const took = duration((performance.now() - started) / 1000);
    note(`Finished in ${took}. The model is in ${config.out}.`);
  }
}

/** What the model decides on dev goals, greedily, in words. */
function decisionLines({ found, onPlain, onOwn }: DecisionMeasure): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const lists = (name: string, on: DecisionMeasure["onOwn"]): string =>
    `On the results of ${name} it picks a best one ${percent(on.best)} of the time ` +
    `(the first is one ${percent(on.bestOfFirst)}, a blind draw ${percent(on.bestOfChance)}).`;
  return [
    `Its query finds the target among the first ten for ${percent(found.model)} of dev goals (the instruction: ${percent(found.instruction)}).`,
    lists("plain queries", onPlain),
    lists("its own queries", onOwn),
  ];
}

/** Worker threads: AISLE_WORKERS, else 2. */
function workers(): number {
  const text = process.env["AISLE_WORKERS"] ?? "2";
  if (!/^\d+$/.test(text)) throw new InputError(`AISLE_WORKERS must be a whole number, not "${text}".`);
  return Number(text);
}

/** A line every few steps: what was learnt and how long it will take. */
function reporter(): { step(report: StepReport): void; measured(measured: Measured): void } {
  const EVERY = 10;
  const started = performance.now();
  let ran = 0;
  let tokens = 0;
  let sums: Record<string, number> = {};
  let steps: Record<string, number> = {};
  return {
    step({ step, steps: all, losses, gradNorm, tokens: own }) {
      ran += 1;
      tokens += own;
      for (const [task, loss] of Object.entries(losses)) {
        sums[task] = (sums[task] ?? 0) + loss;
        steps[task] = (steps[task] ?? 0) + 1;
      }
      if (step % EVERY !== 0 && step !== all) return;
      const seconds = (performance.now() - started) / 1000;
      const means = Object.keys(sums)
        .sort()
        .map((task) => `${task} ${(sums[task]! / steps[task]!).toFixed(3)}`);
      note(
        `${String(step).padStart(5)}/${all}  ${means.join("  ")}  grad ${gradNorm.toFixed(2)}  ` +
          `${Math.round(tokens / seconds)} tokens/s  ${duration((seconds / ran) * (all - step))} left`,
      );
      sums = {};
      steps = {};
    },
    measured({ step, values }) {
      const text = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      note(`      held out after ${step} steps: ${text.join("  ")}`);
    },
  };
}
