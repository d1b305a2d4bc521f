import { z } from "zod";
import type { Usage } from "../agents/index.js";

/**
 * A run record is a folder `data/runs/<id>/`:
 *
 * - `record.json`: what was run (`identity`) and what came out (`results`). A pure function of its inputs: no time,
 *   path, commit or machine in it, so making it again with the same inputs gives the same bytes.
 * - `provenance.json`: where the record first came from (code commit, machine, seconds). Written together with
 *   `record.json` and never again while that stays the same, so it does not vary from run to run either.
 * - further files that `record.json` names with their SHA-256 under `files` (metrics, trajectories).
 *
 * The id ends with the first digits of `key`, the SHA-256 over the canonical form of `identity`.
 */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
const count = z.int().nonnegative();

/** What decides the numbers of an evaluation. Two evaluations with the same identity have the same results. */
export const evaluationIdentity = z.strictObject({
  kind: z.literal("evaluation"),
  /** Raised when evaluation itself changes its meaning: older records then no longer match. */
  protocol: z.literal(1),
  agent: z.strictObject({ name: z.string().min(1), settings: z.record(z.string(), z.unknown()) }),
  data: z.strictObject({ fingerprint: z.string().min(1), products: count, goals: count }),
  environment: z.record(z.string(), z.unknown()),
  split: z.enum(["test", "dev", "train"]),
  /** Goals `first … first + count − 1`. */
  goals: z.strictObject({ first: count, count: count.min(1) }),
  seeds: z.array(z.int()).min(1),
  /** Per seed, the model that acted; empty for agents without one. */
  models: z.array(z.strictObject({ name: z.string(), fingerprint: z.string() })),
  /** The tensor backend that computed the model's numbers; "none" for agents without one. */
  backend: z.string(),
});

export type EvaluationIdentity = z.infer<typeof evaluationIdentity>;

/** The columns that every evaluation has; a record may have further numeric ones after them. */
export const resultColumns = [
  "seed",
  "goal",
  "reward",
  "bought",
  "steps",
  "r_type",
  "r_att",
  "r_option",
  "r_price",
  "attributes",
  "options",
] as const;

/** Further columns where a model's answers are counted. */
export const usageColumns = ["requests", "prompt_tokens", "completion_tokens"] as const;

/** One played episode. The parts are 0 where nothing was bought; `rOption` is null where the goal names no option. */
export interface EpisodeResult {
  readonly seed: number;
  readonly goal: number;
  /** In [0, 1]. */
  readonly reward: number;
  readonly bought: boolean;
  /** Actions taken, the impossible ones included. */
  readonly steps: number;
  readonly rType: number;
  readonly rAtt: number;
  readonly rOption: number | null;
  readonly rPrice: number;
  /** How many attributes and options the goal asks for. */
  readonly attributes: number;
  readonly options: number;
  /** What the episode took from the model, where its answers are counted. */
  readonly usage?: Usage;
}

/** `record.json` of an evaluation. */
export const recordSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().min(1),
  key: sha256,
  identity: evaluationIdentity,
  files: z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/), sha256),
  results: z.strictObject({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.number().nullable())),
  }),
});

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
  machine: z.strictObject({
    platform: z.string(),
    arch: z.string(),
    cpus: z.int(),
    memoryGb: z.number(),
  }),
});

export type Provenance = z.infer<typeof provenanceSchema>;

/** A record that was read and found to be what it claims. */
export interface RunRecord {
  readonly id: string;
  readonly key: string;
  readonly identity: EvaluationIdentity;
  readonly results: readonly EpisodeResult[];
  /** Names of further files beside `record.json`, with their SHA-256. */
  readonly files: Readonly<Record<string, string>>;
  /** Its folder. */
  readonly path: string;
}
