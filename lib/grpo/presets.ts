/**
 * The algorithms, as data. A preset is what its paper (or reference code) says, and nothing else: number of tasks,
 * learning rate and lengths are for the run to choose, except where a preset reproduces one setup to the letter.
 */
import { didYouMean, InputError } from "../base/index.js";
import type { GrpoConfigInput } from "./config.js";

type Preset = Pick<GrpoConfigInput, "advantage" | "objective" | "value"> & {
  readonly groups?: Partial<GrpoConfigInput["groups"]>;
  readonly reward?: GrpoConfigInput["reward"];
  readonly sampling?: Partial<GrpoConfigInput["sampling"]>;
  readonly update?: Partial<GrpoConfigInput["update"]>;
};

const CLIP = { low: 0.2, high: 0.2 };
const K3 = { estimator: "k3", coefficient: 0.01, where: "loss" } as const;

export const PRESETS = {
  /**
   * The thesis: groups of G = 3 in M = 3 independent "marginals" of one goal, advantage against the marginal's mean,
   * I = 3 optimiser steps on the nine roll-outs, query loss weighted by the probability of the selection.
   */
  thesis: {
    advantage: { estimator: "group", scale: "none" },
    objective: {
      ratio: "token",
      clip: CLIP,
      aggregation: "rollout-mean-token-mean",
      kl: { ...K3, clamp: 50 },
      queryBySelection: true,
    },
    groups: { tasks: 1, perTask: 3, size: 3 },
    sampling: { temperature: 0.7, maxTokens: 32 },
    update: { epochs: 3, learningRate: 2e-5, weightDecay: 0.01 },
  },
  /** Shao et al. 2024 (arXiv:2402.03300). */
  grpo: {
    advantage: { estimator: "group", scale: "group" },
    objective: {
      ratio: "token",
      clip: CLIP,
      aggregation: "seq-mean-token-mean",
      kl: { ...K3, coefficient: 0.04 },
    },
  },
  /** Liu et al. 2025 (arXiv:2503.20783): no division by the deviation, none by the response's length. */
  dr_grpo: {
    advantage: { estimator: "group", scale: "none" },
    objective: { ratio: "token", clip: CLIP, aggregation: "seq-mean-token-sum", kl: null },
  },
  /** Ahmadian et al. 2024 (arXiv:2402.14740), with PPO's clip as verl-agent runs it. */
  rloo: {
    advantage: { estimator: "loo" },
    objective: { ratio: "token", clip: { ...CLIP, dual: 3 }, aggregation: "token-mean", kl: K3 },
  },
  /** Williams 1992, against the whole batch's mean: the floor that every other preset is compared with. */
  reinforce: {
    advantage: { estimator: "reinforce-pp" },
    objective: { ratio: "none", clip: null, aggregation: "token-mean", kl: null },
  },
  /** Hu 2025 (arXiv:2501.03262). */
  "reinforce-pp": {
    advantage: { estimator: "reinforce-pp" },
    objective: {
      ratio: "token",
      clip: CLIP,
      aggregation: "token-mean",
      kl: { estimator: "k1", coefficient: 0.01, where: "reward" },
    },
  },
  /** Hu 2025, the variant with the group's mean as a baseline. */
  "reinforce-pp-baseline": {
    advantage: { estimator: "group", scale: "batch" },
    objective: { ratio: "token", clip: CLIP, aggregation: "token-mean", kl: { ...K3, estimator: "k2" } },
  },
  /** Yu et al. 2025 (arXiv:2503.14476): clip-higher, token mean, no KL, groups of equal returns sampled again. */
  dapo: {
    advantage: { estimator: "group", scale: "group" },
    objective: { ratio: "token", clip: { low: 0.2, high: 0.28 }, aggregation: "token-mean", kl: null },
    groups: { zeroVariance: "resample", maxBatches: 10 },
  },
  /** Zheng et al. 2025 (arXiv:2507.18071): one ratio for the response. */
  gspo: {
    advantage: { estimator: "group", scale: "group" },
    objective: {
      ratio: "sequence",
      clip: { low: 3e-4, high: 4e-4 },
      aggregation: "seq-mean-token-mean",
      kl: null,
    },
  },
  /** MiniMax 2025 (arXiv:2506.13585): the clipped ratio is a weight, so clipped tokens still teach. */
  cispo: {
    advantage: { estimator: "group", scale: "group" },
    objective: {
      ratio: "token",
      surrogate: "detached",
      clip: { low: 1, high: 4 },
      aggregation: "token-mean",
      kl: null,
    },
  },
  /** Schulman et al. 2017 (arXiv:1707.06347) with GAE over decisions and a linear critic on the policy's own states. */
  ppo: {
    advantage: { estimator: "gae", scale: "batch", gamma: 0.95, lambda: 0.95 },
    objective: { ratio: "token", clip: { ...CLIP, dual: 3 }, aggregation: "token-mean", kl: K3 },
    value: { learningRate: 0.001, epochs: 4, clip: 0.5 },
  },
  /** Dong et al. 2025 (arXiv:2507.19849): GRPO over branching roll-outs; the run's `multiTurn.branching` says how they branch. */
  arpo: {
    advantage: { estimator: "group", scale: "group", shared: "soft" },
    objective: { ratio: "token", clip: CLIP, aggregation: "token-mean", kl: null },
  },
  /** Feng et al. 2025 (arXiv:2505.10978): episode plus anchor-state advantages, without division. */
  gigpo: {
    advantage: { estimator: "gigpo", scale: "none", gamma: 0.95, stepWeight: 1 },
    objective: { ratio: "token", clip: { ...CLIP, dual: 3 }, aggregation: "token-mean", kl: K3 },
  },
  /** GiGPO with DAPO's clip-higher and dynamic sampling. */
  gigpo_dynamic: {
    advantage: { estimator: "gigpo", scale: "none", gamma: 0.95, stepWeight: 1 },
    objective: { ratio: "token", clip: { low: 0.2, high: 0.28, dual: 3 }, aggregation: "token-mean", kl: K3 },
    groups: { zeroVariance: "resample", maxBatches: 10 },
  },
  /** The settings of verl-agent's code on WebShop, where it differs from the paper: the baseline is over rows. */
  "verl-agent-compat": {
    advantage: {
      estimator: "gigpo",
      scale: "group",
      baselineOver: "rows",
      gamma: 0.95,
      stepWeight: 1,
    },
    objective: {
      ratio: "token",
      clip: { ...CLIP, dual: 3 },
      aggregation: "token-mean",
      kl: K3,
      entropy: 0.001,
    },
    groups: { tasks: 16, size: 8 },
    reward: { kind: "success", scale: 10, invalidPenalty: 0.1 },
    sampling: { temperature: 1, maxTokens: 512 },
    update: { miniBatchRows: 64, learningRate: 1e-6, weightDecay: 0.01, maxGradNorm: 1 },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

/** The sections of a configuration that a preset may fill. */
const SECTIONS = ["advantage", "objective", "groups", "reward", "sampling", "update", "value"] as const;

type Sections = { readonly [Name in (typeof SECTIONS)[number]]?: object | undefined };

/**
 * A preset with a configuration's own settings over it, section by section. Where the configuration names another estimator,
 * its advantage section replaces the preset's whole, and so does its critic (or none): settings of one estimator mean nothing
 * to another.
 */
export function overPreset(preset: Sections, own: Sections): Record<string, object> {
  const estimator = (section: object | undefined): unknown => (section as { estimator?: unknown })?.estimator;
  const named = estimator(own.advantage);
  const other = named !== undefined && named !== estimator(preset.advantage);
  const merged = SECTIONS.map((name): [string, object] => {
    const replaced = other && (name === "advantage" || name === "value");
    return [name, { ...(replaced ? undefined : preset[name]), ...own[name] }];
  });
  return Object.fromEntries(
    merged.filter(([name]) => {
      const section = name as keyof Sections;
      return own[section] !== undefined || (preset[section] !== undefined && !(other && section === "value"));
    }),
  );
}

/** @throws InputError for a name that is not a preset, with those that are. */
export function presetNamed(name: string): Preset {
  if (Object.prototype.hasOwnProperty.call(PRESETS, name)) return PRESETS[name as PresetName];
  const known = Object.keys(PRESETS);
  throw new InputError(
    `There is no algorithm "${name}"; there are ${known.join(", ")}.${didYouMean(name, known)}`,
  );
}
