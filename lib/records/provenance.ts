import { spawnSync } from "node:child_process";
import { arch, availableParallelism, platform, totalmem } from "node:os";
import { z } from "zod";

/** `provenance.json`. */
export const provenanceSchema = z.strictObject({
  /** The code's commit, null outside a git checkout. */
  commit: z.string().nullable(),
  /** Whether the code had no change since that commit; null when unknown. */
  clean: z.boolean().nullable(),
  made: z.string(),
  /** Wall time in seconds. */
  seconds: z.number(),
  node: z.string(),
  /** The tagger of the nouns that the reward compares; records made before there was a choice do not say: wink-nlp. */
  tagger: z.string().optional(),
  machine: z.strictObject({
    platform: z.string(),
    arch: z.string(),
    cpus: z.int(),
    memoryGb: z.number(),
  }),
});

export type Provenance = z.infer<typeof provenanceSchema>;

/** The paths of a checkout that decide results: everything else may be edited without making a run unclean. */
const codePaths = ["lib", "configs", "data/models", "data/recipe", "package.json", "package-lock.json"];

/**
 * Where a run comes from, as far as this machine can tell. Nothing of it enters `record.json`.
 * @param tagger the environment's, where a run has one.
 */
export function provenance(seconds: number, tagger?: string): Provenance {
  const commit = git("rev-parse", "HEAD");
  const changes = commit === null ? null : git("status", "--porcelain", "--", ...codePaths);
  return {
    commit,
    clean: changes === null ? null : changes === "",
    made: new Date().toISOString(),
    seconds: Math.round(seconds * 10) / 10,
    node: process.versions.node,
    ...(tagger === undefined ? {} : { tagger }),
    machine: {
      platform: platform(),
      arch: arch(),
      cpus: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
  };
}

function git(...args: readonly string[]): string | null {
  const answer = spawnSync("git", [...args], { encoding: "utf8", timeout: 10_000 });
  return answer.status === 0 ? answer.stdout.trim() : null; // no git, or not a checkout
}
