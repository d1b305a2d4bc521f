import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson, recover } from "../../base/index.js";

/** Rises whenever a catalogue made by older code would be read wrongly. */
export const FORMAT = 1;

/** The file that makes a folder a catalogue; it is read first. */
export const MANIFEST = "manifest.json";

/** The other files. */
export const FILES = {
  /** Product records, one JSON array after another. */
  products: "products.jsonl",
  /** Goal records, in the order of their indices. */
  goals: "goals.jsonl",
  /** Where records begin, prices, ASINs, and the products of each category, query and attribute. */
  tables: "tables.pack",
  /** The search index. */
  index: "index.pack",
} as const;

const fileSchema = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string() });

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  products: z.number().int().nonnegative(),
  goals: z.number().int().nonnegative(),
  goalKind: z.enum(["human", "synthetic"]),
  priceSeed: z.number().int(),
  goalSeed: z.number().int(),
  /** Of the goals in order and the borders of the split; checked whenever the catalogue is opened. */
  splitHash: z.string(),
  /** Of everything that rewards and observations depend on; the same for the same data anywhere. */
  fingerprint: z.string(),
  /** Its source, in words. */
  source: z.string(),
  files: z.object({
    products: fileSchema,
    goals: fileSchema,
    tables: fileSchema,
    index: fileSchema,
  }),
});

/** The content of a catalogue's manifest. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Whether a folder looks like a catalogue: its manifest is written last. One that a killed builder had moved away is put back. */
export function isCatalogue(folder: string): boolean {
  const hasManifest = (place: string): boolean => existsSync(join(place, MANIFEST));
  if (hasManifest(folder)) return true;
  recover(folder, hasManifest);
  return hasManifest(folder);
}

/**
 * Reads and checks the manifest of a catalogue.
 * @throws InputError when the folder is no catalogue, or one of another version.
 */
export function readManifest(folder: string): Manifest {
  if (!isCatalogue(folder)) {
    const why = existsSync(folder) ? `it has no ${MANIFEST}` : "it does not exist";
    throw new InputError(
      `${folder} is not a catalogue: ${why}. Build one with "aisle data make" or "aisle data import".`,
    );
  }
  const path = join(folder, MANIFEST);
  const value = readJson(path, "catalogue manifest");
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (typeof format === "number" && format !== FORMAT) {
    throw new InputError(
      `The catalogue ${folder} has format ${format} and this program reads format ${FORMAT}: build it again.`,
    );
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new InputError(
    `The catalogue manifest ${path} is damaged (field "${issue.path.join(".")}": ${issue.message}): build the catalogue again.`,
  );
}
