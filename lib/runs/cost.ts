import { join } from "node:path";
import { z } from "zod";
import type { Usage } from "../agents/index.js";
import { InputError, readJson } from "../base/index.js";
import type { EpisodeResult, RunRecord } from "../records/index.js";

/** Dollars per million tokens. */
export interface Price {
  readonly prompt: number;
  readonly completion: number;
}

/** The tokens that an evaluation took from a model. */
export interface Cost extends Usage {
  /** Null where no price was named. */
  readonly price: Price | null;
  readonly dollars: number | null;
}

/** Beside `record.json`, because a price decides no result. */
const FILE = "usage.json";

const price = z.strictObject({ prompt: z.number().nonnegative(), completion: z.number().nonnegative() });
const fileSchema = z.strictObject({
  requests: z.int().nonnegative(),
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  price: price.nullable(),
  dollars: z.number().nonnegative().nullable(),
});

/** Sums over episodes; null where nothing was counted. */
export function spent(results: readonly EpisodeResult[], price?: Price): Cost | null {
  if (!results.some(({ usage }) => usage)) return null;
  const sum = (of: (usage: Usage) => number): number =>
    results.reduce((total, { usage }) => total + (usage ? of(usage) : 0), 0);
  const promptTokens = sum((usage) => usage.promptTokens);
  const completionTokens = sum((usage) => usage.completionTokens);
  return {
    requests: sum((usage) => usage.requests),
    promptTokens,
    completionTokens,
    price: price ?? null,
    dollars: price ? (promptTokens * price.prompt + completionTokens * price.completion) / 1e6 : null,
  };
}

/** The file that a record keeps of it, by its name; none where nothing was counted. */
export function usageFile(results: readonly EpisodeResult[], price?: Price): Record<string, string> {
  const cost = spent(results, price);
  if (cost === null) return {};
  const content: z.input<typeof fileSchema> = {
    requests: cost.requests,
    prompt_tokens: cost.promptTokens,
    completion_tokens: cost.completionTokens,
    price: cost.price,
    dollars: cost.dollars,
  };
  return { [FILE]: `${JSON.stringify(content, null, 2)}\n` };
}

/**
 * Its form in a record.
 * @throws InputError when its file is not one
 */
export function readCost(record: RunRecord): Cost | null {
  if (!(FILE in record.files)) return null;
  const path = join(record.path, FILE);
  const parsed = fileSchema.safeParse(readJson(path, "usage"));
  if (!parsed.success) throw new InputError(`${path} does not say what a model was asked for.`);
  const { requests, prompt_tokens: promptTokens, completion_tokens: completionTokens } = parsed.data;
  return { requests, promptTokens, completionTokens, price: parsed.data.price, dollars: parsed.data.dollars };
}
