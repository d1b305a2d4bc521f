import { z } from "zod";
import { InputError } from "../../../base/index.js";
import type { HumanInstruction, SyntheticInstruction } from "../../goals.js";
import { objectEntries } from "./json-stream.js";

const attributeSchema = z.object({
  attributes: z.array(z.string()),
  instruction: z.string().nullish(),
  instruction_attributes: z.array(z.string()).nullish(),
});

const humanSchema = z.array(
  z.object({
    instruction: z.string(),
    instruction_attributes: z.array(z.string()),
    instruction_options: z.array(z.string()),
  }),
);

/** What WebShop's `items_ins_v2.json` says of a product. */
export interface AttributeEntry {
  readonly attributes: readonly string[];
  readonly synthetic: SyntheticInstruction | null;
}

/** Reports what is being read, and the share of it that is done. */
export type Reading = (what: string, done: number) => void;

/**
 * Reads `items_ins_v2.json` (or a cut of it): attributes and, for some products, a synthetic instruction.
 * @throws InputError that names the file and the entry.
 */
export async function readAttributes(path: string, reading: Reading): Promise<Map<string, AttributeEntry>> {
  const entries = new Map<string, AttributeEntry>();
  // A few thousand attributes are said of a million products: each text is kept once.
  const known = new Map<string, string>();
  const intern = (text: string): string => {
    const same = known.get(text);
    if (same !== undefined) return same;
    known.set(text, text);
    return text;
  };
  const file = objectEntries(path, "attribute file");
  for await (const { key, value } of file.records()) {
    const { attributes, instruction, instruction_attributes } = checked(attributeSchema, value, path, key);
    entries.set(key, {
      attributes: attributes.map(intern),
      synthetic:
        typeof instruction === "string"
          ? { instruction, instruction_attributes: (instruction_attributes ?? []).map(intern) }
          : null,
    });
    if ((entries.size & 4095) === 0) reading("attributes", file.done());
  }
  return entries;
}

/**
 * Reads `items_human_ins.json`: people's requests by product.
 * @throws InputError that names the file and the entry.
 */
export async function readInstructions(
  path: string,
  reading: Reading,
): Promise<Map<string, readonly HumanInstruction[]>> {
  const entries = new Map<string, readonly HumanInstruction[]>();
  const file = objectEntries(path, "instruction file");
  for await (const { key, value } of file.records()) {
    entries.set(key, checked(humanSchema, value, path, key));
    if ((entries.size & 1023) === 0) reading("instructions", file.done());
  }
  return entries;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, path: string, key: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.length > 0 ? `field "${issue.path.join(".")}"` : "value";
  throw new InputError(`The entry "${key.slice(0, 20)}" of ${path} has a wrong ${field}: ${issue.message}.`);
}
