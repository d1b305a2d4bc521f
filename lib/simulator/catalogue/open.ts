import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../base/index.js";
import { arrayOf, readPack, Searcher, StringTable, type Pack } from "../search/index.js";
import { checkSplit } from "../split.js";
import type { Catalogue, Goal, Hit, Product } from "../types.js";
import { Cache } from "./cache.js";
import { checkFiles, checkManifest, type CheckOptions } from "./check.js";
import { FILES, isCatalogue, readManifest, type Manifest } from "./format.js";
import { Lists } from "./lists.js";
import { readRecord } from "./record-file.js";
import { parseGoal, parseProduct } from "./records.js";
import { EMBEDDED } from "./sources/recipe.js";

/** Up to so many goals, the split hash is computed anew at each opening; beyond, the hash of their file stands for it. */
const GOALS_HASHED_ONE_BY_ONE = 100_000;

export interface OpenOptions extends CheckOptions {
  /** Characters of product and goal records kept parsed in memory, per thread. Default 64 million. */
  readonly cacheCharacters?: number;
}

/** The data with which another thread can open the same catalogue without a second copy: send it with `postMessage`. */
export interface CatalogueHandle {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly tables: Pack;
  readonly index: Pack;
}

/** A catalogue on disk, opened. */
export class DiskCatalogue implements Catalogue {
  readonly size: number;
  readonly goalCount: number;
  readonly fingerprint: string;
  readonly webshop: boolean;
  readonly manifest: Manifest;
  private readonly productFile: number;
  private readonly goalFile: number;
  private readonly productBegins: Float64Array;
  private readonly goalBegins: Float64Array;
  private readonly prices: Float64Array;
  private readonly asins: StringTable;
  private readonly searcher: Searcher;
  private readonly lists: Readonly<Record<"category" | "query" | "attribute", Lists>>;
  private readonly products: Cache<Product>;
  private readonly goals: Cache<Goal>;

  constructor(
    private readonly handle: CatalogueHandle,
    options: OpenOptions = {},
  ) {
    const { folder, manifest, tables, index } = handle;
    const room = options.cacheCharacters ?? 64_000_000;
    this.manifest = manifest;
    this.size = manifest.products;
    this.goalCount = manifest.goals;
    this.fingerprint = manifest.fingerprint;
    this.webshop = !manifest.source.startsWith(EMBEDDED);
    this.productBegins = arrayOf(tables, "productBegins", "Float64Array");
    this.goalBegins = arrayOf(tables, "goalBegins", "Float64Array");
    this.prices = arrayOf(tables, "prices", "Float64Array");
    this.asins = StringTable.open(tables, "asin");
    this.searcher = new Searcher(index);
    this.lists = {
      category: new Lists(tables, "category"),
      query: new Lists(tables, "query"),
      attribute: new Lists(tables, "attribute"),
    };
    this.products = new Cache(room);
    this.goals = new Cache(room / 8);
    this.productFile = openSync(join(folder, FILES.products), "r");
    this.goalFile = openSync(join(folder, FILES.goals), "r");
  }

  product(index: number): Product {
    const cached = this.products.get(index);
    if (cached) return cached;
    if (!(index >= 0 && index < this.size))
      throw new RangeError(`There is no product ${index} of ${this.size}.`);
    const line = readRecord(this.productFile, FILES.products, this.productBegins, index);
    return this.products.put(index, parseProduct(line), line.length);
  }

  indexOf(asin: string): number {
    return this.asins.find(asin);
  }

  price(index: number): number {
    if (!(index >= 0 && index < this.size))
      throw new RangeError(`There is no product ${index} of ${this.size}.`);
    return this.prices[index]!;
  }

  search(query: string, limit: number): readonly Hit[] {
    return this.searcher.search(query, limit).map(({ document, score }) => ({ index: document, score }));
  }

  where(field: "category" | "query" | "attribute", value: string): readonly number[] {
    return this.lists[field].find(value);
  }

  goal(index: number): Goal {
    const cached = this.goals.get(index);
    if (cached) return cached;
    if (!(index >= 0 && index < this.goalCount))
      throw new RangeError(`There is no goal ${index} of ${this.goalCount}.`);
    const line = readRecord(this.goalFile, FILES.goals, this.goalBegins, index);
    return this.goals.put(index, parseGoal(line, index), line.length);
  }

  /** The catalogue's size by its tables, and all prices, to compare with the manifest. */
  tableSizes(): { products: number; goals: number; prices: Float64Array } {
    const { productBegins, goalBegins, prices } = this;
    return { products: productBegins.length - 1, goals: goalBegins.length - 1, prices };
  }

  /** The argument of `openShared` in another thread. */
  share(): CatalogueHandle {
    return this.handle;
  }

  /** Closes the files; the catalogue cannot be used afterwards. */
  close(): void {
    closeSync(this.productFile);
    closeSync(this.goalFile);
  }
}

/**
 * Opens a built catalogue: the index and tables are read into shared memory, products and goals stay on disk until
 * they are asked for. Checks that every file has the bytes that were built, and the goals against the hash of the split.
 * @throws InputError when the folder is no catalogue, or one that is damaged, altered or of another version.
 */
export function openCatalogue(folder: string, options: OpenOptions = {}): DiskCatalogue {
  for (let attempt = 1; ; attempt++) {
    const manifest = readManifest(folder);
    try {
      return openAs(manifest, folder, options);
    } catch (error) {
      // A builder may have put another catalogue in its place between two files.
      if (attempt === 3 || !isCatalogue(folder)) throw error;
      if (isDeepStrictEqual(readManifest(folder), manifest)) throw error;
    }
  }
}

function openAs(manifest: Manifest, folder: string, options: OpenOptions): DiskCatalogue {
  checkFiles(folder, manifest, options);
  const tables = readPack(join(folder, FILES.tables));
  const index = readPack(join(folder, FILES.index));
  const catalogue = new DiskCatalogue({ folder, manifest, tables, index }, options);
  try {
    checkManifest(folder, manifest, catalogue.tableSizes());
    checkGoals(folder, manifest, catalogue);
  } catch (error) {
    catalogue.close();
    throw error;
  }
  return catalogue;
}

/** Opens a catalogue that another thread has opened; the memory is the same. */
export function openShared(handle: CatalogueHandle, options: OpenOptions = {}): DiskCatalogue {
  return new DiskCatalogue(handle, options);
}

function checkGoals(folder: string, manifest: Manifest, catalogue: DiskCatalogue): void {
  if (manifest.goals > GOALS_HASHED_ONE_BY_ONE) return;
  function* goals() {
    for (let i = 0; i < manifest.goals; i++) yield catalogue.goal(i);
  }
  try {
    checkSplit(goals(), manifest.splitHash);
  } catch (error) {
    const why =
      error instanceof InputError ? error.message : "its goals cannot be read: build the catalogue again.";
    throw new InputError(`${folder} is damaged or was altered. ${why}`);
  }
}
