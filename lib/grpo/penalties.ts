/** What is taken from the score of a decision, whatever it led to: for a broken form, and for a response that is too long. */
import type { Turn } from "./types.js";

/** How much a turn's score is lowered, at least 0. It stays in the turn's own row: earlier rows do not pay for it. */
export type Penalty = (turn: Pick<Turn, "formatValid" | "responseIds">) => number;

export const noPenalty: Penalty = () => 0;

/**
 * The penalties of a configuration: `invalidPenalty` for a response without the form asked for (verl-agent), and DAPO's soft
 * punishment of long ones (Yu et al. 2025, arXiv:2503.14476, eq. 13),
 *
 *   factor · clamp((length − (L_max − buffer)) / buffer, 0, 1).
 */
export function penaltyOf({
  reward,
  sampling,
}: {
  readonly reward: {
    readonly invalidPenalty: number;
    readonly overlong?: { readonly buffer: number; readonly factor: number } | undefined;
  };
  readonly sampling: { readonly maxTokens: number };
}): Penalty {
  const { invalidPenalty, overlong } = reward;
  return ({ formatValid, responseIds }) => {
    const form = formatValid ? 0 : invalidPenalty;
    if (!overlong) return form;
    const over = (responseIds.length - (sampling.maxTokens - overlong.buffer)) / overlong.buffer;
    return form + overlong.factor * Math.min(1, Math.max(0, over));
  };
}
