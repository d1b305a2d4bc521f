import { z } from "zod";
import { type RewardTerm, weight } from "./term.js";

const settings = z.strictObject({ weight });

/** 1 for a perfect purchase and else 0: WebShop's success rate as a reward. */
export const success: RewardTerm<z.output<typeof settings>> = {
  name: "success",
  of: "outcome",
  settings,
  value: (outcome, own) => own.weight * Number(outcome.score === 1),
};
