import { InputError, writeJson } from "../../base/index.js";
import {
  GOAL_SHUFFLE_SEED,
  humanGoals,
  shuffleGoals,
  syntheticGoals,
  weighSynthetic,
  type GoalDraft,
} from "../goals.js";
import { DEFAULT_PRICE_SEED, drawPrice } from "../prices.js";
import { indexText } from "../product.js";
import { PythonRandom } from "../python-random.js";
import { byCodePoint } from "../python-text.js";
import { IndexBuilder, StringTable, writePack } from "../search/index.js";
import { splitHash } from "../split.js";
import type { Goal } from "../types.js";
import { fingerprintOf } from "./check.js";
import { WholeFolder } from "./folder.js";
import { FILES, FORMAT, MANIFEST, type Manifest } from "./format.js";
import { ListBuilder } from "./lists.js";
import { Neighbours } from "./neighbours.js";
import { parseProduct, productLine, goalLine } from "./records.js";
import { RecordWriter } from "./record-file.js";
import type { CatalogueSource, SourceRecord } from "./source.js";

/** More goals than this are not kept: every combination of options of a million products is billions. */
export const MAX_GOALS = 2_000_000;

/** The current stage of `buildCatalogue`, and the fraction of the whole that is done, from 0 to 1. */
export interface BuildProgress {
  readonly stage: "products" | "goals" | "index" | "writing";
  readonly done: number;
  readonly products: number;
}

export interface BuildOptions {
  /** Seed of the prices drawn for price ranges and of the goals' price bounds. */
  readonly priceSeed?: number;
  /** Seed of the goals' order. */
  readonly goalSeed?: number;
  readonly progress?: (progress: BuildProgress) => void;
  /** Asked when the catalogue is complete: whether what now stands in its place is as good and stays. */
  readonly keep?: () => boolean;
}

/**
 * Builds a catalogue at `out`, streaming: products go to disk as they come. The folder appears whole, in place of an
 * older catalogue, or not at all.
 * @throws InputError when the source is bad, or `out` holds something else.
 */
export async function buildCatalogue(
  source: CatalogueSource,
  out: string,
  options: BuildOptions = {},
): Promise<Manifest> {
  const folder = new WholeFolder(out);
  try {
    const manifest = await fill(folder, source, options);
    folder.publish(options.keep);
    return manifest;
  } finally {
    folder.discard();
  }
}

async function fill(folder: WholeFolder, source: CatalogueSource, options: BuildOptions): Promise<Manifest> {
  const {
    priceSeed = DEFAULT_PRICE_SEED,
    goalSeed = GOAL_SHUFFLE_SEED,
    progress = () => undefined,
  } = options;
  const random = new PythonRandom(priceSeed);
  const builder = new ProductPass(folder, random);
  try {
    for await (const record of source.records()) {
      builder.add(record);
      if ((builder.count & 1023) === 0) {
        progress({ stage: "products", done: 0.75 * (source.done?.() ?? 0), products: builder.count });
      }
    }
    const count = builder.count;
    const report = (stage: BuildProgress["stage"], done: number): void =>
      progress({ stage, done, products: count });
    report("goals", 0.75);
    const goals = orderedGoals(builder.goalDrafts(source, random), source, goalSeed);
    const goalFile = new RecordWriter(folder.file(FILES.goals));
    for (const goal of goals) goalFile.add(goalLine(goal));
    const goalsWritten = goalFile.finish();
    report("index", 0.77);
    const arrays = builder.index.finish(builder.neighbours.order(), builder.asinRanks(), (done) =>
      report("index", 0.77 + 0.18 * done),
    );
    report("writing", 0.95);
    const indexWritten = writePack(folder.file(FILES.index), arrays);
    const { begins, ...productsWritten } = builder.products.finish();
    const prices = builder.prices.subarray(0, count);
    const { begins: goalBegins, ...goalsFile } = goalsWritten;
    const tablesWritten = writePack(folder.file(FILES.tables), {
      productBegins: begins,
      goalBegins,
      prices,
      ...StringTable.build(builder.asins.keys(), count, "asin"),
      ...builder.categories.finish("category"),
      ...builder.queries.finish("query"),
      ...builder.attributes.finish("attribute"),
    });
    const described = {
      format: FORMAT,
      products: count,
      goals: goals.length,
      goalKind: source.goals,
      priceSeed,
      goalSeed,
      splitHash: splitHash(goals),
      source: source.name,
      files: { products: productsWritten, goals: goalsFile, tables: tablesWritten, index: indexWritten },
    } as const;
    const manifest: Manifest = { ...described, fingerprint: fingerprintOf(described, prices) };
    writeJson(folder.file(MANIFEST), manifest);
    report("writing", 1);
    return manifest;
  } finally {
    builder.close();
  }
}

/** Sums and lists over the products read so far. */
class ProductPass {
  readonly products: RecordWriter;
  readonly index: IndexBuilder;
  readonly asins = new Map<string, number>();
  readonly categories = new ListBuilder();
  readonly queries = new ListBuilder();
  readonly attributes = new ListBuilder();
  readonly neighbours = new Neighbours();
  prices = new Float64Array(1024);
  /** Products that are the target of a request, by position. */
  private readonly requests: { readonly at: number; readonly record: Omit<SourceRecord, "product"> }[] = [];

  constructor(
    folder: WholeFolder,
    private readonly random: PythonRandom,
  ) {
    this.products = new RecordWriter(folder.file(FILES.products));
    this.index = new IndexBuilder(folder.file("forward.tmp"));
  }

  get count(): number {
    return this.asins.size;
  }

  add({ product, human, synthetic }: SourceRecord): void {
    const at = this.count;
    const twin = this.asins.get(product.asin);
    if (twin !== undefined) {
      throw new InputError(
        `Two products have the ASIN ${product.asin}: the ${twin + 1}. and the ${at + 1}.; each may come once.`,
      );
    }
    this.asins.set(product.asin, at);
    this.products.add(productLine(product));
    this.index.add(indexText(product));
    if (at === this.prices.length) {
      const longer = new Float64Array(at * 2);
      longer.set(this.prices);
      this.prices = longer;
    }
    this.prices[at] = drawPrice(product.pricing, this.random);
    this.categories.add(at, product.category);
    this.queries.add(at, product.query);
    for (const attribute of new Set(product.attributes)) this.attributes.add(at, attribute);
    this.neighbours.add(product);
    if ((human && human.length > 0) || (synthetic && synthetic.instruction !== null)) {
      this.requests.push({ at, record: { human, synthetic } });
    }
  }

  /** The goals before their shuffle; products are read back one at a time. */
  *goalDrafts(source: CatalogueSource, random: PythonRandom): Generator<GoalDraft> {
    const { requests, products, prices } = this;
    function* targets() {
      for (const { at, record } of requests) {
        yield {
          product: parseProduct(products.read(at)),
          price: prices[at]!,
          instructions: record.human ?? [],
          instruction: record.synthetic ?? null,
        };
      }
    }
    yield* source.goals === "human" ? humanGoals(targets(), random) : syntheticGoals(targets(), random);
  }

  /** Each product's place among all by ASIN. */
  asinRanks(): Uint32Array {
    const sorted = [...this.asins.keys()].sort(byCodePoint);
    const ranks = new Uint32Array(this.count);
    sorted.forEach((asin, rank) => (ranks[this.asins.get(asin)!] = rank));
    return ranks;
  }

  close(): void {
    this.index.close();
    this.products.close();
  }
}

function orderedGoals(drafts: Iterable<GoalDraft>, source: CatalogueSource, seed: number): Goal[] {
  const list: GoalDraft[] = [];
  for (const draft of drafts) {
    if (list.length === MAX_GOALS) {
      throw new InputError(
        `${source.name} makes more than ${MAX_GOALS} ${source.goals} goals: take human goals, or fewer products.`,
      );
    }
    list.push(draft);
  }
  return shuffleGoals(source.goals === "synthetic" ? weighSynthetic(list) : list, seed);
}
