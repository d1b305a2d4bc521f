import type { Turn } from "../../grpo/index.js";
import type { Sample } from "../../policy/index.js";
import type { Decision } from "../types.js";

/** A sampled answer that was played, as a turn of a roll-out. */
export function turnOf(
  prompt: readonly number[],
  sample: Sample,
  { decision, reward }: { readonly decision: Decision; readonly reward: number },
): Turn {
  const { ids, logProbs, scored } = sample;
  return {
    promptIds: prompt,
    responseIds: ids,
    ...(scored ? { scored } : {}),
    oldLogProbs: scored ? logProbs.filter((_, i) => scored[i]) : logProbs,
    reward,
    formatValid: decision.formatValid,
    admissible: decision.admissible,
    truncated: decision.truncated,
  };
}
