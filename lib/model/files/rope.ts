/**
 * Which rotary positions `config.json` asks for. Source: transformers 5, `modeling_rope_utils.py`
 * (`convert_rope_params_to_dict`, `standardize_rope_params`): a `rope_scaling` that is not empty replaces `rope_parameters`
 * whole, also its base.
 */
import { z } from "zod";

const Rope = z.record(z.string(), z.unknown());

/** The keys that say it. */
export const RopeKeys = {
  rope_theta: z.unknown().optional(),
  rope_scaling: Rope.nullish(),
  rope_parameters: Rope.nullish(),
  partial_rotary_factor: z.unknown().optional(),
  original_max_position_embeddings: z.unknown().optional(),
};

/** Rotary frequencies stretched as in Llama 3.1: the low ones divided by `factor`, the high ones kept, a ramp between them. */
export interface Llama3Scaling {
  readonly factor: number;
  /** Wavelengths longer than `originalMaxPositions / lowFreqFactor` positions are stretched whole. */
  readonly lowFreqFactor: number;
  /** Wavelengths shorter than `originalMaxPositions / highFreqFactor` positions are kept. */
  readonly highFreqFactor: number;
  readonly originalMaxPositions: number;
}

const LLAMA3 = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"] as const;

/** The default of transformers where nothing names a base. */
const BASE = 10_000;

/**
 * The base of the rotary positions and how they are stretched, or why they are not computed here.
 * @returns `reason` goes on after "asks for"
 */
export function ropeOf(
  config: Readonly<z.infer<z.ZodObject<typeof RopeKeys>>>,
): { readonly theta: number; readonly scaling?: Llama3Scaling } | { readonly reason: string } {
  const scaling = config.rope_scaling ?? {};
  const key = Object.keys(scaling).length > 0 ? "rope_scaling" : "rope_parameters";
  const rope = (key === "rope_scaling" ? scaling : config.rope_parameters) ?? {};
  // A type that is null is unknown, in Python as here: the key is there.
  const type = "rope_type" in rope ? rope["rope_type"] : "type" in rope ? rope["type"] : "default";
  const nested = Object.keys(rope).find((name) => Rope.safeParse(rope[name]).success);
  if (nested !== undefined && !("rope_type" in rope)) {
    return { reason: `rotary positions for each kind of layer ("${nested}" in "${key}")` };
  }
  if (type !== "default" && type !== "llama3")
    return { reason: `the rope type ${JSON.stringify(type)} ("${key}")` };
  const share = rope["partial_rotary_factor"] ?? config.partial_rotary_factor ?? 1;
  if (share !== 1) return { reason: `a partial rotary factor of ${JSON.stringify(share)}` };
  const theta = "rope_theta" in rope ? rope["rope_theta"] : "rope_theta" in config ? config.rope_theta : BASE;
  if (typeof theta !== "number" || !(theta > 0)) {
    return { reason: `rotary positions of base ${JSON.stringify(theta)} ("rope_theta")` };
  }
  if (type === "default") return { theta };
  // What lies at the top goes before what lies beside the kind.
  const original = config.original_max_position_embeddings;
  const given = original === undefined ? rope : { ...rope, original_max_position_embeddings: original };
  const values = LLAMA3.map((name) => given[name]);
  const [factor, low, high, positions] = values as number[];
  const wrong = LLAMA3.find((_, i) => !(typeof values[i] === "number" && values[i] > 0));
  if (wrong !== undefined || !(high! > low!)) {
    const what = wrong ?? "high_freq_factor";
    return { reason: `the rope type "llama3" ("${key}") with "${what}": ${JSON.stringify(given[what])}` };
  }
  return {
    theta,
    scaling: {
      factor: factor!,
      lowFreqFactor: low!,
      highFreqFactor: high!,
      originalMaxPositions: positions!,
    },
  };
}

/** The `rope_scaling` of `config.json`. */
export function hfScaling(scaling: Llama3Scaling): object {
  return {
    factor: scaling.factor,
    high_freq_factor: scaling.highFreqFactor,
    low_freq_factor: scaling.lowFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositions,
    rope_type: "llama3",
  };
}
