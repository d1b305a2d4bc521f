import { RunError } from "../../base/index.js";
import { normalise } from "./analyzer.js";
import { decodeLength, encodeLength, inverseNorms } from "./bm25.js";
import { ForwardFile } from "./forward.js";
import type { FlatArray } from "./pack.js";
import { StringTable } from "./string-table.js";
import { eachWord } from "./tokenizer.js";

/** Documents in one block of the index: a position in a block is one byte. */
export const BLOCK = 256;
/** The last code of a posting says that its ratio stands in the list of exceptions. */
export const ESCAPE = 255;
/** Block numbers are 16-bit. */
export const MAX_DOCUMENTS = 65536 * BLOCK;
/** Words whose term is remembered. */
const CACHED_WORDS = 1_000_000;

/**
 * Builds the search index of a stream of texts in bounded memory: the terms of each document wait on disk until all
 * document lengths and frequencies are known. See `searcher.ts` for the layout.
 */
export class IndexBuilder {
  private readonly forward: ForwardFile;
  private readonly terms = new Map<string, number>();
  private wordTerm = new Map<string, number>();
  /** How many documents hold each term. */
  private documentFrequency = new Uint32Array(1 << 16);
  /** Frequency of each term in the current document. */
  private frequency = new Uint32Array(1 << 16);
  private touched = new Uint32Array(1 << 12);
  /** How many postings have a frequency (capped at 255) and a length byte: [frequency · 256 + length]. */
  private readonly pairCount = new Float64Array(1 << 16);
  private lengths = new Uint8Array(1024);
  private totalLength = 0;
  private nonEmpty = 0;
  private postings = 0;

  /** @param scratch a file that may be written and is deleted at the end. */
  constructor(scratch: string) {
    this.forward = new ForwardFile(scratch);
  }

  /** Adds the next document. */
  add(text: string): void {
    const document = this.forward.count;
    if (document >= MAX_DOCUMENTS) {
      throw new RunError(`An index holds at most ${MAX_DOCUMENTS} products; put more into OpenSearch.`);
    }
    let length = 0;
    let distinct = 0;
    eachWord(text, (start, end) => {
      const term = this.termOf(text.slice(start, end));
      if (term < 0) return;
      length++;
      if (this.frequency[term]!++ > 0) return;
      if (distinct === this.touched.length) this.touched = grown(this.touched);
      this.touched[distinct++] = term;
    });
    const code = encodeLength(length);
    if (document >= this.lengths.length) this.lengths = grown(this.lengths);
    this.lengths[document] = code;
    this.totalLength += length;
    if (length > 0) this.nonEmpty++;
    this.postings += distinct;
    this.forward.append(this.touched, distinct, this.frequency);
    for (let i = 0; i < distinct; i++) {
      const term = this.touched[i]!;
      this.documentFrequency[term]!++;
      this.pairCount[Math.min(this.frequency[term]!, 255) * 256 + code]!++;
      this.frequency[term] = 0;
    }
  }

  private termOf(word: string): number {
    const known = this.wordTerm.get(word);
    if (known !== undefined) return known;
    const term = normalise(word);
    let id = -1;
    if (term !== "") {
      id = this.terms.get(term) ?? this.terms.size;
      if (id === this.terms.size) {
        this.terms.set(term, id);
        if (id >= this.frequency.length) {
          this.frequency = grown(this.frequency);
          this.documentFrequency = grown(this.documentFrequency);
        }
      }
    }
    if (this.wordTerm.size >= CACHED_WORDS) this.wordTerm = new Map();
    this.wordTerm.set(word, id);
    return id;
  }

  /**
   * Ends the building and returns the index as flat arrays.
   * @param order the document (in the order of `add`) at each position of the index; neighbours should be alike
   * @param rank of each document (in the order of `add`) among equal scores, ascending
   * @param progress called with the fraction done, from 0 to 1
   */
  finish(
    order: Uint32Array,
    rank: Uint32Array,
    progress: (done: number) => void = () => undefined,
  ): Record<string, FlatArray> {
    this.forward.flush();
    this.wordTerm = new Map();
    const termCount = this.terms.size;
    const { ratios, codes, norms } = this.chooseCodes();
    const first = this.countBlocks(order, (done) => progress(done * 0.45));

    const cursor = new Float64Array(termCount);
    for (let t = 0, at = 0; t < termCount; t++) {
      cursor[t] = at;
      at += this.documentFrequency[t]!;
    }
    const local = new Uint8Array(this.postings);
    const code = new Uint8Array(this.postings);
    const blocks = first[termCount]!;
    const blockId = new Uint16Array(blocks);
    const blockMax = new Uint8Array(blocks);
    const blockStart = new Uint32Array(blocks + 1);
    blockStart[blocks] = this.postings;
    const entry = first.slice(0, termCount);
    const current = new Int32Array(termCount).fill(-1);
    const exceptions: { at: number; ratio: number }[] = [];
    this.eachPosting(
      order,
      (done) => progress(0.45 + done * 0.5),
      (document, position, term, frequency) => {
        const block = position >>> 8;
        const at = cursor[term]!++;
        if (current[term] !== block) {
          current[term] = block;
          const e = entry[term]!++;
          blockId[e] = block;
          blockStart[e] = at;
        }
        const length = this.lengths[document]!;
        let c = frequency < 255 ? codes[frequency * 256 + length]! : ESCAPE;
        local[at] = position & 255;
        code[at] = c;
        if (c === ESCAPE) {
          const ratio = Math.fround(frequency * norms[length]!);
          exceptions.push({ at, ratio });
          // As a bound: the lowest code that is no smaller.
          c = 0;
          while (ratios[c]! < ratio) c++;
        }
        const e = entry[term]! - 1;
        if (c > blockMax[e]!) blockMax[e] = c;
      },
    );
    this.forward.remove();
    exceptions.sort((a, b) => a.at - b.at);

    const table = StringTable.build(this.terms.keys(), termCount, "term");
    progress(1);
    return {
      ...table,
      termFirst: first,
      blockId,
      blockMax,
      blockStart,
      local,
      code,
      ratios,
      exceptionAt: Uint32Array.from(exceptions, (x) => x.at),
      exceptionRatio: Float32Array.from(exceptions, (x) => x.ratio),
      document: order,
      rank: Uint32Array.from(order, (document) => rank[document]!),
      statistics: new Float64Array([order.length, this.nonEmpty, this.totalLength]),
    };
  }

  /** Deletes the scratch file; `finish` does so too. */
  close(): void {
    this.forward.remove();
  }

  /** The 255 commonest pairs of frequency and length byte, by ascending ratio, get codes; the rest are exceptions. */
  private chooseCodes(): { ratios: Float32Array; codes: Uint8Array; norms: Float32Array } {
    const norms = inverseNorms(this.nonEmpty > 0 ? this.totalLength / this.nonEmpty : 1);
    const pairs: { pair: number; ratio: number }[] = [];
    let highest = 0;
    for (let pair = 256; pair < 1 << 16; pair++) {
      if (this.pairCount[pair] === 0) continue;
      const frequency = pair >>> 8;
      // A capped frequency is no code of its own; as a bound it can be as large as its document is long.
      const most = frequency === 255 ? Math.max(255, decodeLength(pair & 255) * 1.2 + 8) : frequency;
      highest = Math.max(highest, Math.fround(most * norms[pair & 255]!));
      if (frequency < 255) pairs.push({ pair, ratio: Math.fround(frequency * norms[pair & 255]!) });
    }
    pairs.sort((a, b) => this.pairCount[b.pair]! - this.pairCount[a.pair]! || a.pair - b.pair);
    pairs.length = Math.min(pairs.length, ESCAPE);
    pairs.sort((a, b) => a.ratio - b.ratio || a.pair - b.pair);
    const ratios = new Float32Array(256).fill(highest);
    const codes = new Uint8Array(1 << 16).fill(ESCAPE);
    pairs.forEach(({ pair, ratio }, code) => {
      ratios[code] = ratio;
      codes[pair] = code;
    });
    return { ratios, codes, norms };
  }

  /** Where the blocks of each term begin in the list of all blocks: [terms + 1]. */
  private countBlocks(order: Uint32Array, progress: (done: number) => void): Uint32Array {
    const termCount = this.terms.size;
    const first = new Uint32Array(termCount + 1);
    const current = new Int32Array(termCount).fill(-1);
    this.eachPosting(order, progress, (_document, position, term) => {
      if (current[term] === position >>> 8) return;
      current[term] = position >>> 8;
      first[term + 1]!++;
    });
    for (let t = 0; t < termCount; t++) first[t + 1]! += first[t]!;
    return first;
  }

  private eachPosting(
    order: Uint32Array,
    progress: (done: number) => void,
    visit: (document: number, position: number, term: number, frequency: number) => void,
  ): void {
    for (let position = 0; position < order.length; position++) {
      if ((position & 0x3fff) === 0) progress(position / order.length);
      const document = order[position]!;
      const bytes = this.forward.read(document);
      for (let i = 0; i < bytes.length;) {
        let byte = bytes[i++]!;
        let term = byte & 127;
        for (let shift = 7; byte > 127; shift += 7) {
          byte = bytes[i++]!;
          term |= (byte & 127) << shift;
        }
        byte = bytes[i++]!;
        let frequency = byte & 127;
        for (let shift = 7; byte > 127; shift += 7) {
          byte = bytes[i++]!;
          frequency |= (byte & 127) << shift;
        }
        visit(document, position, term, frequency);
      }
    }
  }
}

/** A copy with twice the room. */
function grown<T extends Uint8Array | Uint32Array>(array: T): T {
  const longer = new (array.constructor as new (length: number) => T)(array.length * 2);
  longer.set(array);
  return longer;
}
