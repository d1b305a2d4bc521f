/**
 * The objective, whole:
 *
 *   L = Σ_{i,t} share_i · w_i · (ℓ_{i,t} + β·KL_{i,t}) − c · Σ_{i,t} share_i · H_{i,t}
 *
 * It is a function of two short lists of numbers per row, the current log-probabilities and entropies of the
 * response's tokens, so its derivative is written out by hand (each piece beside its value) and handed to the
 * policy as a weight per token: the transformer's backward pass never learns which algorithm runs.
 */
import { RunError } from "../../base/index.js";
import type { Row } from "../types.js";
import { tokenShares } from "./aggregate.js";
import type { ObjectiveConfig } from "./config.js";
import { klAt } from "./kl.js";
import { ratios } from "./ratio.js";
import { tokenLoss } from "./surrogate.js";

/** Sums over tokens, from which the metrics of a whole mini-batch are formed by adding micro-batches up. */
export interface ObjectiveSums {
  tokens: number;
  policyLoss: number;
  klLoss: number;
  /** Σ k1, Σ k3 of current against old. */
  klOldK1: number;
  klOldK3: number;
  /** Σ k3 of current against the reference. */
  klRefK3: number;
  entropy: number;
  ratio: number;
  ratioMax: number;
  clipLow: number;
  clipHigh: number;
  clipDual: number;
}

/** What the policy is to do with each token. */
export interface ObjectiveResult {
  /** This micro-batch's part of the mini-batch's loss. */
  readonly loss: number;
  /** dL/d log π for each token. `[row][token]` */
  readonly logProbSlopes: readonly (readonly number[])[];
  /** dL/dH for each token. `[row][token]` */
  readonly entropySlopes: readonly (readonly number[])[];
  readonly sums: ObjectiveSums;
}

/**
 * Evaluates the objective on some rows of a mini-batch.
 *
 * @param shares each row's token share in the whole mini-batch, from {@link tokenShares}. `[rows]`
 * @param logProbs current log-probabilities. `[row][token]`
 * @param entropies current entropies in nats. `[row][token]`
 * @param weights w_i, a constant that multiplies a row's loss; all 1 when absent. `[rows]`
 * @throws RunError when a value is not finite: the caller stops and dumps the batch.
 */
export function objective(
  config: ObjectiveConfig,
  rows: readonly Row[],
  shares: readonly number[],
  logProbs: readonly (readonly number[])[],
  entropies: readonly (readonly number[])[],
  weights?: readonly number[],
): ObjectiveResult {
  const sums = emptySums();
  let loss = 0;
  const logProbSlopes: number[][] = [];
  const entropySlopes: number[][] = [];
  rows.forEach((row, i) => {
    const current = logProbs[i]!;
    const share = shares[i]!;
    const outer = weights?.[i] ?? 1;
    const { ratio, slope: ratioSlope } = ratios(config.ratio, current, row.oldLogProbs);
    const slopes: number[] = [];
    current.forEach((logProb, t) => {
      const token = tokenLoss(config, ratio[t]!, ratioSlope[t]!, logProb, row.advantages[t]!);
      let value = token.value;
      let slope = token.slope;
      if (row.refLogProbs) {
        const reference = row.refLogProbs[t]!;
        if (row.counted) sums.klRefK3 += klAt({ estimator: "k3" }, logProb, reference).value;
        if (config.kl?.where === "loss") {
          const kl = klAt(config.kl, logProb, reference);
          value += config.kl.coefficient * kl.value;
          slope += config.kl.coefficient * kl.slope;
          if (row.counted) sums.klLoss += config.kl.coefficient * kl.value;
        }
      }
      if (!Number.isFinite(value) || !Number.isFinite(slope)) {
        throw new RunError(
          `The loss of token ${t} of row ${i} is ${value}: log-prob ${logProb}, old ${row.oldLogProbs[t]}, ` +
            `advantage ${row.advantages[t]}.`,
        );
      }
      loss += share * (outer * value - config.entropy * entropies[i]![t]!);
      slopes.push(share * outer * slope);
      if (row.counted) count(sums, token, ratio[t]!, logProb - row.oldLogProbs[t]!, entropies[i]![t]!);
    });
    logProbSlopes.push(slopes);
    entropySlopes.push(current.map(() => -share * config.entropy));
  });
  return { loss, logProbSlopes, entropySlopes, sums };
}

/** The shares of a mini-batch's rows. */
export function sharesOf(config: ObjectiveConfig, rows: readonly Row[]): number[] {
  return tokenShares(
    config.aggregation,
    rows.map(({ responseIds, counted, group, rollout }) => ({
      tokens: responseIds.length,
      counted,
      group,
      rollout,
    })),
  );
}

export function emptySums(): ObjectiveSums {
  return {
    tokens: 0,
    policyLoss: 0,
    klLoss: 0,
    klOldK1: 0,
    klOldK3: 0,
    klRefK3: 0,
    entropy: 0,
    ratio: 0,
    ratioMax: 0,
    clipLow: 0,
    clipHigh: 0,
    clipDual: 0,
  };
}

/** Adds one micro-batch's sums to another's. */
export function addSums(a: ObjectiveSums, b: ObjectiveSums): ObjectiveSums {
  const total = emptySums();
  for (const key of Object.keys(total) as (keyof ObjectiveSums)[]) total[key] = a[key] + b[key];
  total.ratioMax = Math.max(a.ratioMax, b.ratioMax);
  return total;
}

function count(
  sums: ObjectiveSums,
  token: { value: number; clipped: "low" | "high" | "dual" | null },
  ratio: number,
  sinceOld: number,
  entropy: number,
): void {
  sums.tokens += 1;
  sums.policyLoss += token.value;
  sums.klOldK1 += -sinceOld;
  sums.klOldK3 += Math.exp(sinceOld) - sinceOld - 1;
  sums.entropy += entropy;
  sums.ratio += ratio;
  sums.ratioMax = Math.max(sums.ratioMax, ratio);
  if (token.clipped === "low") sums.clipLow += 1;
  if (token.clipped === "high") sums.clipHigh += 1;
  if (token.clipped === "dual") sums.clipDual += 1;
}
