import { z } from "zod";
import { type RewardTerm, weight } from "./term.js";

const settings = z.strictObject({ weight });

/** The shop's own score of the purchase, from 0 to 1 (Yao et al. 2022, arXiv:2207.01206, eq. 1). */
export const score: RewardTerm<z.output<typeof settings>> = {
  name: "score",
  of: "outcome",
  settings,
  value: (outcome, own) => own.weight * outcome.score,
};
