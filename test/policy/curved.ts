/** A loss of a file of its own, as a plugin would bring one: worker threads load this file before they evaluate it. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Loss, type LossKind, registerLoss, type TokenScores } from "../../lib/objective/index.js";

type CurvedLoss = Loss<"curved", { readonly scale: number }, { readonly position: number }>;

/** Linear in neither log-probabilities nor entropies, with different weights everywhere. */
const kind: LossKind<CurvedLoss> = {
  kind: "curved",
  evaluate({ settings: { scale }, rows }, scores) {
    let loss = 0;
    const each = (gradient: (w: number, lp: number, h: number) => number, adds: boolean): number[][] =>
      rows.map(({ position }, i) => {
        const { logProbs, entropies } = scores[i] as TokenScores;
        return logProbs.map((lp, t) => {
          const w = scale * Math.sin(1 + position * 7 + t);
          if (adds) loss += w * Math.exp(lp) - 0.3 * w * entropies[t]! ** 2;
          return gradient(w, lp, entropies[t]!);
        });
      });
    const logProbGradients = each((w, lp) => w * Math.exp(lp), true);
    const entropyGradients = each((w, _lp, h) => -0.6 * w * h, false);
    return { loss, logProbGradients, entropyGradients };
  },
};

registerLoss(kind, pathToFileURL(resolve("test/policy/curved.ts")).href);

/** The curved loss of so many sequences; a row of scale 0 (every second one with `odd` false) has no derivative. */
export function curved(
  rows: { readonly length: number },
  positions?: readonly number[],
  scale = 1,
): CurvedLoss {
  const all = Array.from({ length: rows.length }, (_, i) => ({ position: positions?.[i] ?? i }));
  return { kind: "curved", settings: { scale }, rows: all };
}

/** The value of the curved loss at some scores. */
export const curvedAt = (scores: readonly TokenScores[]): number =>
  kind.evaluate(curved(scores), scores).loss;
