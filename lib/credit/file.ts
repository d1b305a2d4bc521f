/** Judged decisions as a file, so that what was sampled once can be looked at again in seconds. */
import { existsSync } from "node:fs";
import { z } from "zod";
import { checked, readJson, writeJson } from "../base/index.js";
import { sha256 } from "../records/index.js";
import type { JudgedEpisode } from "./measure.js";

/** The judged decisions that come with the project. */
export const judgedFile = "data/judged/step-credit.json";

const fraction = z.number().min(0).max(1);
const value = z.tuple([fraction, fraction]);

const schema = z.strictObject({
  format: z.literal("aisle-credit-1"),
  /** Everything that decides the numbers: the model, the shop, how episodes were played, how many continuations. */
  identity: z.record(z.string(), z.unknown()),
  /** `[goal][sample]`; a turn is its page (a short hash), V before and V after, each as score and success. */
  episodes: z.array(
    z.array(
      z.strictObject({
        goal: z.int().nonnegative(),
        reward: fraction,
        turns: z.array(z.strictObject({ page: z.string(), before: value, after: value })),
      }),
    ),
  ),
});

/** Judged decisions and what decided them. */
export interface JudgedFile {
  readonly identity: Readonly<Record<string, unknown>>;
  readonly judged: readonly (readonly JudgedEpisode[])[];
}

/** @throws RunError when it cannot be written */
export function writeJudged(path: string, { identity, judged }: JudgedFile): void {
  writeJson(path, {
    format: "aisle-credit-1",
    identity,
    episodes: judged.map((goal) =>
      goal.map(({ goal: index, reward, turns }) => ({
        goal: index,
        reward,
        turns: turns.map(({ anchor, before, after }) => ({
          page: sha256(anchor).slice(0, 12),
          before: [before.score, before.success],
          after: [after.score, after.success],
        })),
      })),
    ),
  });
}

/** @throws InputError when there is no such file or it is not one of judged decisions */
export function readJudged(path: string): JudgedFile {
  const { identity, episodes } = checked(schema, readJson(path, "file of judged decisions"), path);
  return {
    identity,
    judged: episodes.map((goal) =>
      goal.map(({ turns, ...episode }) => ({
        ...episode,
        turns: turns.map(({ page, before, after }) => ({
          anchor: page,
          before: { score: before[0], success: before[1] },
          after: { score: after[0], success: after[1] },
        })),
      })),
    ),
  };
}

/** {@link readJudged}, or null where there is no such file. */
export function judgedOrNull(path = judgedFile): JudgedFile | null {
  return existsSync(path) ? readJudged(path) : null;
}
