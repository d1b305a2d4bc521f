import { InputError, messageOf } from "../../../base/index.js";
import type { HumanInstruction } from "../../goals.js";
import { asRawProduct, cleanProduct, fromProcessed, isDroppedAsin } from "../../product.js";
import type { CatalogueSource, GoalKind, SourceRecord } from "../source.js";
import {
  readAttributes,
  readInstructions,
  type AttributeEntry,
  type Reading,
  type SkipBad,
} from "./attributes.js";
import { jsonLines } from "./json-lines.js";
import { arrayElements, type Element, type JsonRecords } from "./json-stream.js";

/** Which of WebShop's files to import. Each may be gzipped. */
export interface WebShopFiles {
  /** `items_shuffle.json` or a cut of it; or else `documents`. */
  readonly products?: string | undefined;
  /** `documents.jsonl` of a WebShop index: products that were cleaned already. */
  readonly documents?: string | undefined;
  /** `items_ins_v2.json` or a cut of it. */
  readonly attributes: string;
  /** `items_human_ins.json`; needed for human goals. */
  readonly instructions?: string | undefined;
  readonly goals: GoalKind;
  /** Takes only the first so many rows. */
  readonly limit?: number | undefined;
  /** Told of every row and entry that cannot be taken, and the import goes on; absent, the first one ends it. */
  readonly skipBad?: SkipBad | undefined;
}

/** Rows that were passed over, as WebShop does. */
export interface Dropped {
  /** The ASIN came before; the first stays. */
  duplicates: number;
  /** The ASIN is "nan" or has more than ten characters. */
  badAsins: number;
}

/**
 * A catalogue's source in WebShop's own files, checked record by record.
 * @throws InputError, while reading, that names file and record.
 */
export function webShopSource(
  files: WebShopFiles,
  reading: Reading = () => undefined,
): CatalogueSource & { readonly dropped: Dropped } {
  const path = files.products ?? files.documents;
  if (path === undefined || (files.products !== undefined && files.documents !== undefined)) {
    throw new InputError("Name either --products or --documents.");
  }
  if (files.goals === "human" && files.instructions === undefined) {
    throw new InputError("Human goals need --instructions items_human_ins.json; or take --goals synthetic.");
  }
  const rows: JsonRecords<Element> =
    files.products !== undefined ? arrayElements(path, "product file") : jsonLines(path, "documents file");
  const dropped: Dropped = { duplicates: 0, badAsins: 0 };
  return {
    name: files.products !== undefined ? "WebShop's product file" : "WebShop's index documents",
    goals: files.goals,
    dropped,
    done: rows.done,
    async *records() {
      const { skipBad } = files;
      const attributes = await readAttributes(files.attributes, reading, skipBad);
      const human =
        files.instructions === undefined
          ? undefined
          : await readInstructions(files.instructions, reading, skipBad);
      const convert = files.products !== undefined ? fromRow : fromDocument;
      const seen = new Map<string, number>();
      for await (const { number, value, problem } of rows.records()) {
        if (files.limit !== undefined && number > files.limit) break;
        try {
          if (problem) throw problem;
          const asin = asinOf(value);
          if (asin !== null && isDroppedAsin(asin)) {
            dropped.badAsins++;
            continue;
          }
          // Before anything else of the row is read: WebShop passes over the second row of an ASIN whatever it holds.
          const first = asin === null ? undefined : seen.get(asin);
          if (first !== undefined && files.products !== undefined) {
            dropped.duplicates++;
            continue;
          }
          const record = located(path, number, () => convert(value, attributes, human));
          const twin = seen.get(record.product.asin);
          if (twin !== undefined) {
            // An index never holds a document twice: the file was put together wrongly.
            throw new InputError(
              `Record ${number} of ${path} has the ASIN ${record.product.asin} of record ${twin}: remove one of them.`,
            );
          }
          seen.set(record.product.asin, number);
          yield record;
        } catch (error) {
          if (!(error instanceof InputError) || !skipBad) throw error;
          skipBad(error);
        }
      }
      if (seen.size === 0) throw new InputError(`${path} holds no product.`);
    },
  };
}

type Human = ReadonlyMap<string, readonly HumanInstruction[]> | undefined;

function fromRow(
  value: unknown,
  attributes: ReadonlyMap<string, AttributeEntry>,
  human: Human,
): SourceRecord {
  const raw = asRawProduct(value);
  const entry = attributes.get(raw.asin);
  return {
    product: cleanProduct(raw, entry?.attributes),
    synthetic: entry?.synthetic,
    human: human?.get(raw.asin),
  };
}

function fromDocument(
  value: unknown,
  attributes: ReadonlyMap<string, AttributeEntry>,
  human: Human,
): SourceRecord {
  if (typeof value !== "object" || value === null || !("product" in value) || !("id" in value)) {
    throw new InputError('it should be an object with "id", "contents" and "product"');
  }
  const { id, product: processed } = value;
  const entry = typeof id === "string" ? attributes.get(id) : undefined;
  const product = fromProcessed(processed, entry?.attributes);
  if (product.asin !== id)
    throw new InputError(`its id is ${JSON.stringify(id)} and its product's ASIN ${product.asin}`);
  return { product, synthetic: entry?.synthetic, human: human?.get(product.asin) };
}

/** A row's ASIN, if it has one. */
function asinOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("asin" in value)) return null;
  return typeof value.asin === "string" ? value.asin : null;
}

/** Says in which record of which file something is wrong. */
function located<T>(path: string, number: number, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const why = messageOf(error).replace(/\.$/, "");
    throw new InputError(
      `Record ${number} of ${path} is bad: ${why}. Mend or remove it, or pass over bad records with --skip-bad.`,
    );
  }
}
