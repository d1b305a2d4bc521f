/**
 * The policy-gradient loss, whole. Every algorithm of `lib/grpo` is a setting of it:
 *
 *   L = Σ_{i,t} weight_i · w_i · (ℓ_{i,t} + β·KL_{i,t}) − c · Σ_{i,t} weight_i · H_{i,t}
 *
 * It is a function of two short lists of numbers per row, the current log-probabilities and entropies of the
 * response's tokens, so its derivative is written out by hand (each piece beside its value) and handed to the
 * policy as a number per token.
 */
import { RunError } from "../base/index.js";
import { ratios, tokenLoss } from "./clip.js";
import { klAt } from "./kl.js";
import type { Loss, LossKind } from "./loss.js";
import type { ObjectiveConfig } from "./settings.js";

/** The inputs of the loss that belong to one response. */
export interface PolicyGradientRow {
  /** Log-probabilities of the policy before the update; null takes the current ones, so that the ratio is exactly 1. `[token]` */
  readonly oldLogProbs: readonly number[] | null;
  /** Log-probabilities of the reference; absent when no KL term asks for them. `[token]` */
  readonly refLogProbs?: readonly number[];
  /** `[token]` */
  readonly advantages: readonly number[];
  /** False leaves the row out of the metrics; its token weight is 0 then. */
  readonly counted: boolean;
  /** The weight of each of its tokens in the whole mini-batch's loss, from `tokenWeights`. */
  readonly tokenWeight: number;
  /** w_i, a constant that multiplies the row's loss. Default 1. */
  readonly rowWeight?: number;
  /** Where the row comes from, for a message. */
  readonly task?: string;
}

export type PolicyGradientLoss = Loss<"policy-gradient", ObjectiveConfig, PolicyGradientRow>;

const ZERO = {
  tokens: 0,
  policyLoss: 0,
  klLoss: 0,
  /** Σ k1, Σ k3 of current against old. */
  klOldK1: 0,
  klOldK3: 0,
  /** Σ k3 of current against the reference. */
  klRefK3: 0,
  entropy: 0,
  ratio: 0,
  ratioMax: 0,
  clipLow: 0,
  clipHigh: 0,
  clipDual: 0,
};

/** Sums over tokens, from which the metrics of a whole mini-batch are formed by adding micro-batches up. */
export type ObjectiveSums = Readonly<Record<keyof typeof ZERO, number>>;

export const policyGradient = {
  kind: "policy-gradient",
  evaluate({ settings, rows }, scores) {
    const sums = { ...ZERO };
    let loss = 0;
    const logProbGradients: number[][] = [];
    const entropyGradients: number[][] = [];
    rows.forEach((row, i) => {
      const { logProbs, entropies } = scores[i]!;
      const old = row.oldLogProbs ?? logProbs;
      const { tokenWeight, rowWeight = 1 } = row;
      const { ratio, gradient: ratioGradient } = ratios(settings.ratio, logProbs, old);
      const gradients: number[] = [];
      logProbs.forEach((logProb, t) => {
        const token = tokenLoss(settings, ratio[t]!, ratioGradient[t]!, logProb, row.advantages[t]!);
        let { value, gradient } = token;
        if (row.refLogProbs) {
          const reference = row.refLogProbs[t]!;
          if (row.counted) sums.klRefK3 += klAt({ estimator: "k3" }, logProb, reference).value;
          if (settings.kl?.where === "loss") {
            const kl = klAt(settings.kl, logProb, reference);
            value += settings.kl.coefficient * kl.value;
            gradient += settings.kl.coefficient * kl.gradient;
            if (row.counted) sums.klLoss += settings.kl.coefficient * kl.value;
          }
        }
        if (!Number.isFinite(value) || !Number.isFinite(gradient) || !Number.isFinite(entropies[t])) {
          const where = `token ${t} of a response to ${row.task === undefined ? `row ${i}` : `the task "${row.task}"`}`;
          throw new RunError(
            `The loss of ${where} is ${value}, its entropy ${entropies[t]}: log-prob ${logProb}, old ${old[t]}, ` +
              `advantage ${row.advantages[t]}.`,
          );
        }
        loss += tokenWeight * (rowWeight * value - settings.entropy * entropies[t]!);
        gradients.push(tokenWeight * rowWeight * gradient);
        if (row.counted) count(sums, token, ratio[t]!, logProb - old[t]!, entropies[t]!);
      });
      logProbGradients.push(gradients);
      entropyGradients.push(logProbs.map(() => -tokenWeight * settings.entropy));
    });
    return { loss, logProbGradients, entropyGradients, sums };
  },
} satisfies LossKind<PolicyGradientLoss>;

export function emptySums(): ObjectiveSums {
  return ZERO;
}

/** Adds one micro-batch's sums to another's. */
export function addSums(a: ObjectiveSums, b: ObjectiveSums): ObjectiveSums {
  const total = { ...ZERO };
  for (const key of Object.keys(total) as (keyof ObjectiveSums)[]) total[key] = a[key] + b[key];
  total.ratioMax = Math.max(a.ratioMax, b.ratioMax);
  return total;
}

function count(
  sums: { -readonly [Name in keyof ObjectiveSums]: number },
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
