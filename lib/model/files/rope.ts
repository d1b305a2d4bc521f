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
};

/** The default of transformers where nothing names a base. */
const BASE = 10_000;

/**
 * The base of plain rotary positions, or why they are not plain.
 * @returns `reason` goes on after "asks for"
 */
export function ropeOf(
  config: Readonly<z.infer<z.ZodObject<typeof RopeKeys>>>,
): { readonly theta: number } | { readonly reason: string } {
  const scaling = config.rope_scaling ?? {};
  const key = Object.keys(scaling).length > 0 ? "rope_scaling" : "rope_parameters";
  const rope = (key === "rope_scaling" ? scaling : config.rope_parameters) ?? {};
  // A type that is null is unknown, in Python as here: the key is there.
  const type = "rope_type" in rope ? rope["rope_type"] : "type" in rope ? rope["type"] : "default";
  const nested = Object.keys(rope).find((name) => Rope.safeParse(rope[name]).success);
  if (nested !== undefined && !("rope_type" in rope)) {
    return { reason: `rotary positions for each kind of layer ("${nested}" in "${key}")` };
  }
  if (type !== "default") return { reason: `the rope type ${JSON.stringify(type)} ("${key}")` };
  const share = rope["partial_rotary_factor"] ?? config.partial_rotary_factor ?? 1;
  if (share !== 1) return { reason: `a partial rotary factor of ${JSON.stringify(share)}` };
  const theta = "rope_theta" in rope ? rope["rope_theta"] : "rope_theta" in config ? config.rope_theta : BASE;
  if (typeof theta !== "number" || !(theta > 0)) {
    return { reason: `rotary positions of base ${JSON.stringify(theta)} ("rope_theta")` };
  }
  return { theta };
}
