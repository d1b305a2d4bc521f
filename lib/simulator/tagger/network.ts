/**
 * spaCy's network for parts of speech: six hash embeddings of a word, mixed by a maxout layer, then four maxout
 * layers with residuals, each over a window of three tokens, then one score per fine tag. Layer normalisation
 * follows every maxout layer. All in single precision.
 *
 * Results that depend on one word alone are kept: its mixed embedding, and what it adds to the first window layer as left
 * neighbour, middle and right neighbour.
 */
import { WordFeatures } from "./features.js";
import { PANEL, PANELS } from "./kernel.js";
import { KernelMemory, Layout, type PackedLayer, type PackedNorm } from "./memory.js";
import { DEPTH, PIECES, type TaggerModel, type TaggerWeights, WIDTH } from "./model.js";
import type { Token } from "./token.js";

/** Tokens tagged at once; longer texts go in blocks, which see their neighbours' tokens and so change nothing. */
const BLOCK = 256;
/** How far the last layer sees. */
const REACH = DEPTH;
/** Words whose products are kept, 3.8 KB each; then all are forgotten. */
const MOST_WORDS = 6_000;
const UNITS = WIDTH * PIECES;
/** A word's embedding, and its three products with the first window layer. */
const SLOT = WIDTH + 3 * UNITS;

/** Finds the number of the fine tag of every token. */
export class TaggerNetwork {
  readonly #labels: number;
  readonly #features: WordFeatures;
  readonly #memory: KernelMemory;
  readonly #first: PackedLayer;
  /** The window layers after the first. */
  readonly #windows: readonly PackedLayer[];
  readonly #norms: readonly PackedNorm[];
  readonly #output: PackedLayer;
  readonly #place: Readonly<Record<"words" | "one" | "two" | "scores", number>>;
  #slots = new Map<string, number>();

  constructor(model: TaggerModel) {
    const { weights, description } = model;
    this.#labels = description.labels.length;
    const layout = new Layout();
    this.#features = new WordFeatures(model, layout);
    const packed = (panels: number, inputs: number, maxout: boolean): PackedLayer => ({
      panels,
      matrix: layout.take(panels * PANEL * inputs),
      bias: layout.take(panels * PANEL),
      inputs,
      maxout,
    });
    this.#first = packed(3 * PANELS, WIDTH, false);
    this.#windows = Array.from({ length: DEPTH - 1 }, () => packed(PANELS, 3 * WIDTH, true));
    this.#norms = weights.encoder.map(() => ({ gain: layout.take(WIDTH), shift: layout.take(WIDTH) }));
    this.#output = packed(Math.ceil(this.#labels / PANEL), WIDTH, false);
    const rows = (BLOCK + 2 * REACH) * WIDTH;
    this.#place = {
      words: layout.take((MOST_WORDS + 1) * SLOT),
      one: layout.take(rows),
      two: layout.take(rows),
      scores: layout.take(rows),
    };
    this.#memory = new KernelMemory(layout);
    this.#features.fill(this.#memory);
    this.#fill(weights);
    // The first slot is of no word: zeros, with which spaCy pads a text.
    this.#multiplyWord(this.#place.words);
  }

  /** The number of each token's fine tag, in the order of the model's labels. */
  tag(tokens: readonly Token[]): Uint8Array {
    const tags = new Uint8Array(tokens.length);
    for (let start = 0; start < tokens.length; start += BLOCK) {
      this.#tagBlock(tokens, start, Math.min(start + BLOCK, tokens.length), tags);
    }
    return tags;
  }

  #fill(weights: TaggerWeights): void {
    const memory = this.#memory;
    const [first, ...later] = weights.encoder;
    for (let side = 0; side < 3; side++) {
      const matrix = this.#first.matrix + side * UNITS * WIDTH;
      memory.packMaxout(matrix, first!.weights, 3 * WIDTH, side * WIDTH, WIDTH);
    }
    memory.packMaxout(this.#first.bias + UNITS, first!.bias, 1);
    later.forEach((layer, i) => {
      memory.packMaxout(this.#windows[i]!.matrix, layer.weights, 3 * WIDTH);
      memory.packMaxout(this.#windows[i]!.bias, layer.bias, 1);
    });
    weights.encoder.forEach(({ gain, shift }, i) => {
      memory.cells.set(gain, this.#norms[i]!.gain);
      memory.cells.set(shift, this.#norms[i]!.shift);
    });
    memory.packPlain(this.#output.matrix, weights.outputWeights, this.#labels, WIDTH);
    memory.packPlain(this.#output.bias, weights.outputBias, this.#labels, 1);
  }

  /** Row r of a block is the token r - REACH of it; each layer needs one row less at either end. */
  #tagBlock(tokens: readonly Token[], start: number, end: number, tags: Uint8Array): void {
    const memory = this.#memory;
    const count = end - start;
    const slots = this.#slotsOf(tokens, start - REACH, end + REACH);
    let { one: from, two: to } = this.#place;
    for (let row = 1; row < slots.length - 1; row++) {
      const out = from + row * WIDTH;
      const left = slots[row - 1]! + WIDTH;
      const right = slots[row + 1]! + WIDTH + 2 * UNITS;
      memory.addThree(left, slots[row]! + WIDTH + UNITS, right, out);
      memory.normalise(this.#norms[0]!, out, slots[row]!, 1);
    }
    this.#windows.forEach((layer, i) => {
      const first = i + 2;
      const rows = count + 2 * (REACH - first);
      const at = first * WIDTH;
      memory.multiply(layer, from + at - WIDTH, to + at, rows);
      memory.normalise(this.#norms[i + 1]!, to + at, from + at, rows);
      [from, to] = [to, from];
    });
    const { scores } = this.#place;
    memory.multiply(this.#output, from + REACH * WIDTH, scores, count);
    for (let row = 0; row < count; row++) tags[start + row] = this.#best(scores + row * WIDTH);
  }

  /** The number of the greatest score, of equals the first. */
  #best(at: number): number {
    const { cells } = this.#memory;
    let best = 0;
    for (let label = 1; label < this.#labels; label++)
      if (cells[at + label]! > cells[at + best]!) best = label;
    return best;
  }

  /** Where the words of these tokens lie; tokens before and after the text are zeros. */
  #slotsOf(tokens: readonly Token[], start: number, end: number): Int32Array {
    const slots = new Int32Array(end - start);
    if (this.#slots.size + slots.length > MOST_WORDS) this.#slots = new Map();
    for (let i = start; i < end; i++) {
      const token = tokens[i];
      slots[i - start] = token === undefined ? this.#place.words : this.#slotOf(token);
    }
    return slots;
  }

  #slotOf({ word, spaced }: Token): number {
    const key = `${spaced ? 1 : 0}${word.norm === null ? "" : `${word.norm}\n`}${word.text}`;
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#place.words + (this.#slots.size + 1) * SLOT;
    this.#slots.set(key, slot);
    this.#features.embed(word, spaced, slot);
    this.#multiplyWord(slot);
    return slot;
  }

  /** A word's three products with the first window layer, beside its embedding. */
  #multiplyWord(slot: number): void {
    this.#memory.multiply(this.#first, slot, slot + WIDTH, 1);
  }
}
