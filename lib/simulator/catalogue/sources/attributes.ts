import { z } from "zod";
import { InputError } from "../../../base/index.js";
import type { HumanInstruction, SyntheticInstruction } from "../../goals.js";
import { objectEntries, type Entry } from "./json-stream.js";

const attributeSchema = z.object({
  attributes: z.array(z.string()).optional(),
  instruction: z.string().nullish(),
  instruction_attributes: z.array(z.string()).nullish(),
});

const humanSchema = z.array(
  z.union([
    // WebShop passes over a request without attributes before it looks at the rest of it.
    z.object({ instruction_attributes: z.tuple([]) }).transform((): HumanInstruction => ({
      instruction: "",
      instruction_attributes: [],
      instruction_options: [],
    })),
    z.object({
      instruction: z.string(),
      instruction_attributes: z.array(z.string()),
      instruction_options: z.array(z.string()),
    }),
  ]),
);

/** A product's entry in WebShop's `items_ins_v2.json`. */
export interface AttributeEntry {
  /** Undefined where the entry has none: the product is then treated as one that the file does not know. */
  readonly attributes: readonly string[] | undefined;
  readonly synthetic: SyntheticInstruction | null;
}

/** Told of an entry or row that is passed over because it is bad; absent, the first one ends the reading. */
export type SkipBad = (problem: InputError) => void;

/** Reports what is being read, and the fraction of it that is done. */
export type Reading = (what: string, done: number) => void;

/**
 * Reads `items_ins_v2.json` (or a cut of it): attributes and, for some products, a synthetic instruction.
 * @throws InputError that names the file and the entry.
 */
export async function readAttributes(
  path: string,
  reading: Reading,
  skipBad?: SkipBad,
): Promise<Map<string, AttributeEntry>> {
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
  for await (const entry of file.records()) {
    const value = checked(attributeSchema, entry, path, skipBad);
    if (value === null) continue;
    const { attributes, instruction, instruction_attributes } = value;
    entries.set(entry.key, {
      attributes: attributes?.map(intern),
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
  skipBad?: SkipBad,
): Promise<Map<string, readonly HumanInstruction[]>> {
  const entries = new Map<string, readonly HumanInstruction[]>();
  const file = objectEntries(path, "instruction file");
  for await (const entry of file.records()) {
    const value = checked(humanSchema, entry, path, skipBad);
    if (value === null) continue;
    entries.set(entry.key, value);
    if ((entries.size & 1023) === 0) reading("instructions", file.done());
  }
  return entries;
}

/** The value of an entry, or null where it is bad and bad ones are skipped. */
function checked<T>(
  schema: z.ZodType<T>,
  entry: Entry,
  path: string,
  skipBad: SkipBad | undefined,
): T | null {
  const problem = entry.problem ?? problemOf(schema, entry, path);
  if (!(problem instanceof InputError)) return problem.value;
  if (!skipBad) throw problem;
  skipBad(problem);
  return null;
}

function problemOf<T>(
  schema: z.ZodType<T>,
  { key, value }: Entry,
  path: string,
): InputError | { readonly value: T } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0]!;
  const field = issue.path.length > 0 ? `field "${issue.path.join(".")}"` : "value";
  return new InputError(`The entry "${key.slice(0, 20)}" of ${path} has a wrong ${field}: ${issue.message}.`);
}
