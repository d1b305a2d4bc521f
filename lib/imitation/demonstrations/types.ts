/** A demonstration: a prompt as the model is given it, the answer that a teacher gave, and where both come from. */
import { z } from "zod";

const Message = z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() });

/** The schema of a demonstration's line. */
export const DemonstrationSchema = z.strictObject({
  /** Which of the prompts. */
  task: z.enum(["query", "select", "aloud", "act"]),
  messages: z.array(Message).min(1),
  /** Of the choice read aloud: the texts of the answer that a word follows each; the answer holds the words alone. */
  given: z.array(z.string()).min(1).optional(),
  answer: z.string().min(1),
  from: z.strictObject({
    /** `oracle`, `reader`, `shopper`, or a person of WebShop's. */
    teacher: z.enum(["oracle", "reader", "shopper", "webshop-human"]),
    /** The shop's fingerprint, or the name of an imported file. */
    source: z.string(),
    /** Goal index; null where the source's goals are not this shop's. */
    goal: z.number().int().nonnegative().nullable(),
    split: z.enum(["train", "dev"]).nullable(),
    /** Position among the demonstrations of that goal. */
    step: z.number().int().nonnegative(),
    /** Seed of the teacher's random stream; null for people. */
    seed: z.number().int().nonnegative().nullable(),
    /** Final reward of the episode that it was part of; null where there was none. */
    reward: z.number().min(0).max(1).nullable(),
    /** Version of the prompts. */
    prompts: z.string(),
  }),
});

/** One line of a file of demonstrations. */
export type Demonstration = z.output<typeof DemonstrationSchema>;
export type Provenance = Demonstration["from"];
