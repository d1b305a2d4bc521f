import { z } from "zod";
import { InputError, readJson } from "../base/index.js";

const percent = z.number().min(0).max(100);

const schema = z.strictObject({
  protocols: z.record(z.string(), z.strictObject({ mark: z.string().regex(/^[a-z]$/), text: z.string() })),
  results: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9-]+$/),
      system: z.string(),
      model: z.string(),
      score: percent,
      success: percent,
      sd: z.strictObject({ score: percent, success: percent }).optional(),
      parts: z
        .strictObject({ r_type: percent, r_att: percent, r_option: percent, r_price: percent })
        .optional(),
      protocol: z.string(),
      source: z.string(),
      sourceText: z.string(),
      evidence: z.enum(["paper", "extract", "log"]),
    }),
  ),
});

/** Numbers printed elsewhere, with what has to be known before comparing (data/published/README.md). */
export type Published = z.infer<typeof schema>;
export type PublishedResult = Published["results"][number];

/**
 * Reads the published numbers.
 * @throws InputError when the file is not what it should be, or names a protocol that it does not describe
 */
export function publishedResults(path = "data/published/results.json"): Published {
  const parsed = schema.safeParse(readJson(path, "list of published numbers"));
  if (!parsed.success) throw new InputError(`${path}: ${z.prettifyError(parsed.error)}`);
  const strange = parsed.data.results.find((result) => !(result.protocol in parsed.data.protocols));
  if (strange)
    throw new InputError(`${path}: ${strange.id} names the unknown protocol "${strange.protocol}".`);
  return parsed.data;
}
