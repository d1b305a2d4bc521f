import { z } from "zod";
import type { RewardTerm } from "./term.js";

const settings = z.strictObject({ penalty: z.number().positive() });

/** −penalty for a response without the form that was asked for (verl-agent's invalid-action penalty). */
export const format: RewardTerm<z.output<typeof settings>> = {
  name: "format",
  of: "decision",
  settings,
  value: ({ formatValid }, { penalty }) => (formatValid ? 0 : -penalty),
};
