import { analyze } from "./analyzer.js";
import { contribution, inverseDocumentFrequency } from "./bm25.js";
import { BLOCK, ESCAPE } from "./index-builder.js";
import { arrayOf, type Pack } from "./pack.js";
import { StringTable } from "./string-table.js";
import { TopK } from "./top-k.js";

/** One result: the document's number in the order in which texts were added, and its score. */
export interface Match {
  readonly document: number;
  readonly score: number;
}

/** A query term that the index holds. */
interface QueryTerm {
  readonly term: number;
  /** idf × how often the query repeats it. */
  readonly weight: number;
  /** What each posting code adds to a score; the last is the largest that any posting can add. [256] */
  readonly gain: Float32Array;
}

/** Queries with more distinct terms than this are scored exhaustively. */
const MAX_TERMS = 512;
/** Blocks are taken in descending order of their bounds, as exactly as this many buckets tell them apart. */
const BUCKETS = 2048;
/** A bound is a sum in another order than the score; this covers the rounding of doubles many times over. */
const SLACK = 1 + 1e-9;

/**
 * Exact BM25 top k over flat arrays.
 *
 * Documents are numbered by position, neighbours alike, in blocks of 256. A term's postings are grouped by block;
 * each group has its block's number (`blockId`), where its postings begin (`blockStart`; they end where the next
 * group's begin) and the code of its best posting (`blockMax`). A posting is one byte of position within the block
 * and one byte of code, which stands for a pair of term frequency and document length; rare pairs are exceptions.
 *
 * A query adds up the bounds of its terms block by block, then scores whole blocks in descending order of their bounds
 * until no block can reach the top k (block-max pruning: Mallia, Suel & Tonellotto, SIGIR 2024). Nothing is
 * approximate: `searchExhaustively` gives the same.
 */
export class Searcher {
  private readonly terms: StringTable;
  private readonly termFirst: Uint32Array;
  private readonly blockId: Uint16Array;
  private readonly blockMax: Uint8Array;
  private readonly blockStart: Uint32Array;
  private readonly local: Uint8Array;
  private readonly code: Uint8Array;
  private readonly ratios: Float32Array;
  private readonly exceptionAt: Uint32Array;
  private readonly exceptionRatio: Float32Array;
  private readonly document: Uint32Array;
  private readonly rank: Uint32Array;
  private readonly documents: number;
  private readonly blocks: number;
  private readonly sums = new Float64Array(BLOCK);
  private readonly bounds: Float64Array;
  /** For each query term and block, 1 + the group of postings there, or 0. [terms, blocks] */
  private groups = new Uint32Array(0);

  constructor(pack: Pack) {
    this.terms = StringTable.open(pack, "term");
    this.termFirst = arrayOf(pack, "termFirst", "Uint32Array");
    this.blockId = arrayOf(pack, "blockId", "Uint16Array");
    this.blockMax = arrayOf(pack, "blockMax", "Uint8Array");
    this.blockStart = arrayOf(pack, "blockStart", "Uint32Array");
    this.local = arrayOf(pack, "local", "Uint8Array");
    this.code = arrayOf(pack, "code", "Uint8Array");
    this.ratios = arrayOf(pack, "ratios", "Float32Array");
    this.exceptionAt = arrayOf(pack, "exceptionAt", "Uint32Array");
    this.exceptionRatio = arrayOf(pack, "exceptionRatio", "Float32Array");
    this.document = arrayOf(pack, "document", "Uint32Array");
    this.rank = arrayOf(pack, "rank", "Uint32Array");
    this.documents = arrayOf(pack, "statistics", "Float64Array")[1]!;
    this.blocks = Math.ceil(this.document.length / BLOCK);
    this.bounds = new Float64Array(this.blocks);
  }

  /** The best `limit` documents for a bag of words; equal scores by ascending rank. */
  search(query: string, limit: number): Match[] {
    const terms = this.queryTerms(query);
    if (limit <= 0 || terms.length === 0) return [];
    const top = new TopK(Math.min(limit, this.document.length));
    if (terms.length > MAX_TERMS) this.scoreAll(terms, top);
    else this.scorePruned(terms, top);
    return this.results(top);
  }

  /** The same without pruning: what `search` is checked against. */
  searchExhaustively(query: string, limit: number): Match[] {
    const terms = this.queryTerms(query);
    if (limit <= 0 || terms.length === 0) return [];
    const top = new TopK(Math.min(limit, this.document.length));
    this.scoreAll(terms, top);
    return this.results(top);
  }

  private results(top: TopK): Match[] {
    return top.take().map(({ document, score }) => ({ document: this.document[document]!, score }));
  }

  /** The query's distinct known terms, in order of first appearance. */
  private queryTerms(query: string): QueryTerm[] {
    const counts = new Map<string, number>();
    for (const term of analyze(query)) counts.set(term, (counts.get(term) ?? 0) + 1);
    const found: QueryTerm[] = [];
    for (const [text, count] of counts) {
      const term = this.terms.find(text);
      if (term < 0) continue;
      const df = this.blockStart[this.termFirst[term + 1]!]! - this.blockStart[this.termFirst[term]!]!;
      const weight = Math.fround(count * inverseDocumentFrequency(df, this.documents));
      const gain = new Float32Array(256);
      for (let code = 0; code < 256; code++) gain[code] = contribution(weight, this.ratios[code]!);
      found.push({ term, weight, gain });
    }
    return found;
  }

  private scorePruned(terms: readonly QueryTerm[], top: TopK): void {
    const { blocks, bounds, blockId, blockMax } = this;
    if (this.groups.length < terms.length * blocks) this.groups = new Uint32Array(terms.length * blocks);
    const groups = this.groups;
    groups.fill(0, 0, terms.length * blocks);
    bounds.fill(0);
    for (let i = 0; i < terms.length; i++) {
      const { term, gain } = terms[i]!;
      const row = i * blocks;
      const end = this.termFirst[term + 1]!;
      for (let e = this.termFirst[term]!; e < end; e++) {
        const block = blockId[e]!;
        bounds[block]! += gain[blockMax[e]!]!;
        groups[row + block] = e + 1;
      }
    }
    for (const block of inDescendingOrder(bounds)) {
      if (Math.fround(bounds[block]! * SLACK) < top.threshold) {
        // Within a bucket the order is not exact: a later block may still be higher than this one.
        continue;
      }
      this.scoreBlock(block, terms, groups, top);
    }
  }

  private scoreBlock(block: number, terms: readonly QueryTerm[], groups: Uint32Array, top: TopK): void {
    const { sums, local, code, blockStart } = this;
    sums.fill(0);
    for (let i = 0; i < terms.length; i++) {
      const e = groups[i * this.blocks + block]!;
      if (e === 0) continue;
      const { gain, weight } = terms[i]!;
      const end = blockStart[e]!;
      for (let p = blockStart[e - 1]!; p < end; p++) {
        const c = code[p]!;
        sums[local[p]!]! += c === ESCAPE ? this.exception(p, weight) : gain[c]!;
      }
    }
    const base = block * BLOCK;
    const size = Math.min(BLOCK, this.document.length - base);
    let threshold = top.threshold;
    for (let d = 0; d < size; d++) {
      const sum = sums[d]!;
      if (sum === 0) continue;
      const score = Math.fround(sum);
      if (score < threshold) continue;
      top.offer(score, this.rank[base + d]!, base + d);
      threshold = top.threshold;
    }
  }

  private scoreAll(terms: readonly QueryTerm[], top: TopK): void {
    const sums = new Float64Array(this.document.length);
    for (const { term, gain, weight } of terms) {
      for (let e = this.termFirst[term]!; e < this.termFirst[term + 1]!; e++) {
        const base = this.blockId[e]! * BLOCK;
        for (let p = this.blockStart[e]!; p < this.blockStart[e + 1]!; p++) {
          const c = this.code[p]!;
          sums[base + this.local[p]!]! += c === ESCAPE ? this.exception(p, weight) : gain[c]!;
        }
      }
    }
    for (let d = 0; d < sums.length; d++) {
      if (sums[d]! > 0) top.offer(Math.fround(sums[d]!), this.rank[d]!, d);
    }
  }

  /** The gain of a posting whose pair of frequency and length has no code. */
  private exception(posting: number, weight: number): number {
    const at = this.exceptionAt;
    let low = 0;
    let high = at.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle]! < posting) low = middle + 1;
      else high = middle;
    }
    return contribution(weight, this.exceptionRatio[low]!);
  }
}

/** The blocks with a positive bound, highest bucket of bounds first. */
function inDescendingOrder(bounds: Float64Array): Uint32Array {
  let highest = 0;
  for (let b = 0; b < bounds.length; b++) if (bounds[b]! > highest) highest = bounds[b]!;
  const scale = highest > 0 ? (BUCKETS - 1) / highest : 0;
  const next = new Uint32Array(BUCKETS + 1);
  for (let b = 0; b < bounds.length; b++) {
    if (bounds[b]! > 0) next[BUCKETS - 1 - ((bounds[b]! * scale) | 0) + 1]!++;
  }
  for (let k = 0; k < BUCKETS; k++) next[k + 1]! += next[k]!;
  const order = new Uint32Array(next[BUCKETS]!);
  for (let b = 0; b < bounds.length; b++) {
    if (bounds[b]! > 0) order[next[BUCKETS - 1 - ((bounds[b]! * scale) | 0)]!++] = b;
  }
  return order;
}
