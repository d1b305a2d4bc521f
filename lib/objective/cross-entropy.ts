/**
 * Cross-entropy: the negative log-likelihood of given tokens, each with its weight.
 *
 *   L = −Σ_{i,t} w_it · log π(y_it)
 *
 * With weights that sum to 1 it is the mean loss of imitation. A negative weight makes its token less likely, so any gradient by
 * the log-probabilities can be stated as a cross-entropy, too.
 */
import type { Loss, LossKind } from "./loss.js";

export interface CrossEntropyRow {
  /** w of each scored token, its part of the whole mini-batch's mean included. `[token]` */
  readonly weights: readonly number[];
}

export type CrossEntropyLoss = Loss<"cross-entropy", Readonly<Record<string, never>>, CrossEntropyRow>;

export function crossEntropyLoss(rows: readonly CrossEntropyRow[]): CrossEntropyLoss {
  return { kind: "cross-entropy", settings: {}, rows };
}

export const crossEntropy: LossKind<CrossEntropyLoss> = {
  kind: "cross-entropy",
  evaluate({ rows }, scores) {
    let loss = 0;
    const logProbGradients = rows.map(({ weights }, i) =>
      weights.map((weight, t) => {
        loss -= weight * scores[i]!.logProbs[t]!;
        return -weight;
      }),
    );
    return { loss, logProbGradients };
  },
};
