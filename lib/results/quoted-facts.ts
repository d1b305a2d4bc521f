import { z } from "zod";
import { InputError, readJson } from "../base/index.js";

const schema = z.record(
  z.string().regex(/^[a-z0-9-]+$/),
  z.strictObject({ text: z.string().min(1), source: z.string().min(1) }),
);

/** A number that the thesis quotes, with where it is from. */
export type Facts = z.infer<typeof schema>;

/**
 * The numbers from the literature and from WebShop's rules that the thesis quotes (`\fact{webshop-products}`).
 * @throws InputError when the file is not what it should be
 */
export function quotedFacts(path = "data/published/facts.json"): Facts {
  const parsed = schema.safeParse(readJson(path, "list of quoted numbers"));
  if (!parsed.success) throw new InputError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
