import { z } from "zod";
import type { RewardTerm } from "./term.js";

const settings = z.strictObject({
  buffer: z.number().int().positive(),
  factor: z.number().positive(),
});

/**
 * DAPO's soft punishment of long responses (Yu et al. 2025, arXiv:2503.14476, eq. 13): the last `buffer` tokens before the limit
 * cost up to `factor`, rising from 0,
 *
 *   −factor · clamp((length − (L_max − buffer)) / buffer, 0, 1).
 */
export const length: RewardTerm<z.output<typeof settings>> = {
  name: "length",
  of: "decision",
  settings,
  value: ({ tokens, maxTokens }, { buffer, factor }) => {
    const over = (tokens - (maxTokens - buffer)) / buffer;
    return -factor * Math.min(1, Math.max(0, over));
  },
};
