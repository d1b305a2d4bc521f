/** `"kind": "grpo"`: reinforcement learning of a policy in the shop, by every algorithm of lib/grpo. */
import { multiTurnFolderAgent, folderAgent, OPTION_MODES } from "../../agents/index.js";
import { warnings } from "../../grpo/index.js";
import { type GrpoRun, parseGrpoRun, resolvedGrpoRun } from "../training/grpo-config.js";
import type { RunKind } from "./kind.js";

export const grpoKind: RunKind<GrpoRun> = {
  kind: "grpo",
  parse: parseGrpoRun,
  resolved: resolvedGrpoRun,
  facts: ({ name, seed, iterations, data }) => ({
    name,
    seed,
    iterations,
    unit: "iteration",
    data,
    out: `data/training/${name}-${seed}`,
  }),
  open: async (config, environment, out) => {
    const { openGrpo } = await import("../training/grpo-run.js");
    return { ...(await openGrpo(config, environment!, out)), warn: warnings };
  },
  agentOf: (config, folder, { shownAs, modelName, expected, temperature }) => {
    const { multiTurn, learner, options: mode } = config;
    const common = { modelName, ...(temperature === undefined ? {} : { temperature }) };
    if (multiTurn) {
      const { maxTokens } = learner.sampling;
      return multiTurnFolderAgent(shownAs, folder, expected, { ...multiTurn, ...common, maxTokens });
    }
    // Its agent goes on choosing options as the run did, and the settings of its record name it.
    const options = OPTION_MODES.find((one) => one === mode) ?? "match";
    const { listing, reading } = config;
    return folderAgent(shownAs, folder, expected, {
      ...common,
      options,
      ...(listing ? { listing } : {}),
      ...(reading ? { reading } : {}),
    });
  },
  lineOf: (metrics) => {
    const number = (name: string, digits = 3): string => (metrics[name] ?? NaN).toFixed(digits);
    const dev =
      "dev/score" in metrics ? `  dev ${number("dev/score", 1)} / ${number("dev/success", 1)} %` : "";
    return (
      `return ${number("return/mean")}  success ${number("success_rate")}  entropy ${number("entropy")}` +
      `  kl ${number("kl_old/k3", 4)}  clip ${number("clip/frac")}  grad ${number("grad_norm", 2)}${dev}`
    );
  },
};
