/** `"kind": "imitate"`: a model learns what teachers did on train goals. */
import { basename } from "node:path";
import { folderAgent, multiTurnFolderAgent } from "../../agents/index.js";
import { InputError } from "../../base/index.js";
import {
  type DecisionMeasure,
  type ImitateConfig,
  parseImitationConfig,
  workFolder,
} from "../../imitation/index.js";
import { type Catalogue, defaultCatalogue } from "../../simulator/index.js";
import { foundationsOf } from "../training/origin.js";
import { workerCount } from "../training/workers.js";
import type { OpenRun, RunKind } from "./kind.js";
import { supervisedLine } from "./supervised-line.js";
import { type SupervisedOptions, type SupervisedResult, superviseKind } from "./supervise.js";

export const imitateKind: RunKind<ImitateConfig> = {
  kind: "imitate",
  parse: (value, where) => {
    const config = parseImitationConfig(value, where);
    if (config.kind !== "imitate") throw new InputError(`In ${where}: this is no imitation run.`);
    return config;
  },
  placed: (value, out) => ({ ...value, out }),
  resolved: (value, where) => imitateKind.parse(value, where),
  facts: ({ name, seed, steps, data, out }) => ({
    name: name ?? basename(out),
    seed,
    iterations: steps,
    unit: "step",
    data: data ?? null,
    out: workFolder(out),
    publish: out,
  }),
  open: (config, environment) => openImitate(config, environment!.catalogue, { workers: workerCount() }),
  agentOf: ({ tasks }, folder, { shownAs, expected, ...options }) =>
    // A model that was only taught to shop page by page plays that way.
    tasks.query.share === 0 && tasks.select.share === 0 && tasks.act.share > 0
      ? multiTurnFolderAgent(shownAs, folder, expected, options)
      : folderAgent(shownAs, folder, expected, { ...options, options: "match" }),
  examine: decisionLines,
  lineOf: supervisedLine,
};

/**
 * Trains as a configuration says and puts the model with the best dev loss into `config.out`.
 * @throws InputError when the model, the shop or the demonstrations do not fit, or an earlier run is another one
 */
export function imitate(
  config: ImitateConfig,
  catalogue: Catalogue,
  options: SupervisedOptions = {},
): Promise<SupervisedResult> {
  return superviseKind(imitateKind, config, options, () => openImitate(config, catalogue, options));
}

async function openImitate(
  config: ImitateConfig,
  catalogue: Catalogue,
  options: SupervisedOptions,
): Promise<OpenRun> {
  const { openImitation } = await import("../../imitation/index.js");
  const { currentBackend, selectBackend } = await import("../../tensor/index.js");
  if (!currentBackend()) await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const start = typeof config.from === "string" ? config.from : null;
  return {
    trainee: await openImitation(config, catalogue, options),
    from: foundationsOf(start, catalogue, currentBackend()!),
  };
}

/** The model's greedy decisions on dev goals, in words. */
async function decisionLines({ data, decisionGoals }: ImitateConfig, model: string): Promise<string[]> {
  if (decisionGoals === 0) return [];
  const { measureModel } = await import("../../imitation/index.js");
  const catalogue = await defaultCatalogue(data);
  try {
    const { found, onPlain, onOwn } = await measureModel(model, catalogue, decisionGoals);
    const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
    const lists = (name: string, on: DecisionMeasure["onOwn"]): string =>
      `On the results of ${name} it picks a best one ${percent(on.best)} of the time ` +
      `(the first is one ${percent(on.bestOfFirst)}, a blind draw ${percent(on.bestOfChance)}).`;
    return [
      `Its query finds the target among the first ten for ${percent(found.model)} of dev goals (the instruction: ${percent(found.instruction)}).`,
      lists("plain queries", onPlain),
      lists("its own queries", onOwn),
    ];
  } finally {
    catalogue.close();
  }
}
