/** A word's embedding: its norm, prefix, suffix, shape, the space after it and whether it is white space, mixed into one vector. */
import { PANELS } from "./kernel.js";
import type { KernelMemory, Layout, PackedLayer, PackedNorm } from "./memory.js";
import { PIECES, type TaggerModel, WIDTH } from "./model.js";
import { hashNumber } from "./murmur.js";
import type { Word } from "./token.js";
import { isWhite, normOf, numberOfText, prefixOf, shapeOf, suffixOf } from "./words.js";

const UNITS = WIDTH * PIECES;
/** Values of one table whose products are kept, 1.2 KB each; then all are forgotten. */
const MOST_VALUES = 4_000;

/** Makes words' embeddings in the kernel's memory. */
export class WordFeatures {
  readonly #norms: ReadonlyMap<string, string>;
  readonly #products: readonly Map<string, Float32Array>[];
  readonly #mix: readonly PackedLayer[];
  readonly #place: Readonly<Record<"row" | "product" | "sums" | "bias" | "zeros", number>>;
  readonly #norm: PackedNorm;
  #memory!: KernelMemory;

  constructor(
    private readonly model: TaggerModel,
    layout: Layout,
  ) {
    const { description } = model;
    this.#norms = new Map(description.norms);
    this.#products = description.tables.map(() => new Map<string, Float32Array>());
    this.#place = {
      row: layout.take(WIDTH),
      product: layout.take(UNITS),
      sums: layout.take(UNITS),
      bias: layout.take(UNITS),
      zeros: layout.take(UNITS),
    };
    this.#norm = { gain: layout.take(WIDTH), shift: layout.take(WIDTH) };
    this.#mix = description.tables.map(() => ({
      panels: PANELS,
      matrix: layout.take(UNITS * WIDTH),
      bias: this.#place.zeros,
      inputs: WIDTH,
      maxout: false,
    }));
  }

  /** Writes the numbers that stay into the memory. */
  fill(memory: KernelMemory): void {
    this.#memory = memory;
    const { mix } = this.model.weights;
    const inputs = this.#mix.length * WIDTH;
    this.#mix.forEach(({ matrix }, table) =>
      memory.packMaxout(matrix, mix.weights, inputs, table * WIDTH, WIDTH),
    );
    memory.packMaxout(this.#place.bias, mix.bias, 1);
    memory.cells.set(mix.gain, this.#norm.gain);
    memory.cells.set(mix.shift, this.#norm.shift);
  }

  /** Writes the embedding of a word, with or without a space after it, to a place of WIDTH numbers. */
  embed({ text, norm }: Word, spaced: boolean, at: number): void {
    const { cells } = this.#memory;
    const { sums, bias, zeros } = this.#place;
    const white = isWhite(text);
    const values = [
      norm ?? normOf(text, this.#norms),
      prefixOf(text),
      suffixOf(text),
      shapeOf(text),
      ...[spaced, white],
    ];
    cells.fill(0, sums, sums + UNITS);
    values.forEach((value, table) => {
      const product = this.#productOf(table, value);
      for (let i = 0; i < UNITS; i++) cells[sums + i]! += product[i]!;
    });
    this.#memory.addThree(sums, bias, zeros, at);
    this.#memory.normalise(this.#norm, at, zeros, 1);
  }

  /** A value's addition to the mixing layer's outputs. */
  #productOf(table: number, value: string | boolean): Float32Array {
    const key = String(value);
    const products = this.#products[table]!;
    const known = products.get(key);
    if (known !== undefined) return known;
    const number = typeof value === "string" ? numberOfText(value) : value ? 1n : 0n;
    const { rows, seed } = this.model.description.tables[table]!;
    const vectors = this.model.weights.tables[table]!;
    const { cells } = this.#memory;
    const { row, product } = this.#place;
    cells.fill(0, row, row + WIDTH);
    for (const hash of hashNumber(number, seed)) {
      const start = (hash % rows) * WIDTH;
      for (let i = 0; i < WIDTH; i++) cells[row + i]! += vectors[start + i]!;
    }
    this.#memory.multiply(this.#mix[table]!, row, product, 1);
    const kept = cells.slice(product, product + UNITS);
    if (products.size >= MOST_VALUES) products.clear();
    products.set(key, kept);
    return kept;
  }
}
