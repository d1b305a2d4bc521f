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
  /** The addition of each posting code to a score; the last is the largest that any posting can add. [256] */
  readonly gain: Float32Array;
  /** The most that a posting can add, per posting: how much reading them can raise a score. */
  readonly gainPerPosting: number;
}

/** Queries with more distinct terms than this are scored exhaustively. */
const MAX_TERMS = 512;
/** Blocks that are scored first, by descending bound. */
const FIRST_BLOCKS = 48;
/** Looking up one document among a block's postings costs about as much as reading so many. */
const PROBE_COST = 10;
/** A bound is a sum in doubles and in another order than the score, which is rounded: this covers both many times over. */
const SLACK = 1 + 1e-6;

/**
 * Exact BM25 top k over flat arrays.
 *
 * Documents are numbered by position, neighbours alike, in blocks of 256. A term's postings are grouped by block;
 * each group has its block's number (`blockId`), where its postings begin (`blockStart`; they end where the next
 * group's begin) and the code of its best posting (`blockMax`). A posting is one byte of position within the block
 * and one byte of code, which stands for a pair of term frequency and document length; rare pairs are exceptions.
 *
 * A query first adds up the bounds of its terms block by block, scores the blocks with the highest bounds, and then
 * only what can still reach the top k: blocks whose bound does (block-max pruning: Mallia, Suel & Tonellotto, SIGIR
 * 2024), and in those only documents that hold a term of enough gain (MaxScore: Turtle & Flood 1995). Nothing is
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
  /** For each query term and block, 1 + the group of postings there, or 0. [blocks, terms] */
  private groups = new Uint32Array(0);
  /** The most that a query term can add in a block. [blocks, terms] */
  private groupBounds = new Float32Array(0);
  /** Documents of the block at hand that have a sum. */
  private readonly touched = new Uint8Array(BLOCK);

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

  /** The query's distinct known terms, by ascending gain per posting. */
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
      found.push({ term, weight, gain, gainPerPosting: gain[ESCAPE]! / df });
    }
    return found.sort((a, b) => a.gainPerPosting - b.gainPerPosting);
  }

  /**
   * Scores what can reach the top. First the few blocks with the highest bounds, which sets a high threshold; then the
   * others in index order, which reads memory forwards.
   */
  private scorePruned(terms: readonly QueryTerm[], top: TopK): void {
    const { blocks, blockId, blockMax } = this;
    const count = terms.length;
    if (this.groups.length < count * blocks) {
      this.groups = new Uint32Array(count * blocks);
      this.groupBounds = new Float32Array(count * blocks);
    }
    const { groups, groupBounds, bounds } = this;
    groups.fill(0, 0, count * blocks);
    groupBounds.fill(0, 0, count * blocks);
    bounds.fill(0);
    for (let i = 0; i < count; i++) {
      const { term, gain } = terms[i]!;
      const end = this.termFirst[term + 1]!;
      for (let e = this.termFirst[term]!; e < end; e++) {
        const block = blockId[e]!;
        const bound = gain[blockMax[e]!]!;
        bounds[block]! += bound;
        groups[block * count + i] = e + 1;
        groupBounds[block * count + i] = bound;
      }
    }
    for (const block of highest(bounds, FIRST_BLOCKS)) {
      this.scoreBlock(block, terms, top);
      bounds[block] = 0;
    }
    for (let block = 0; block < blocks; block++) {
      if (bounds[block]! * SLACK >= top.threshold && bounds[block]! > 0) this.scoreBlock(block, terms, top);
    }
  }

  /**
   * Offers a block's documents. Terms come by ascending gain per posting; the first ones, whose bounds together do not reach the
   * threshold, cannot bring a document in by themselves. So the other terms' postings are added up, and then those of
   * the first ones for the documents that could still reach the threshold.
   */
  private scoreBlock(block: number, terms: readonly QueryTerm[], top: TopK): void {
    const { sums, touched, local, code, blockStart, groups, groupBounds } = this;
    const count = terms.length;
    const row = block * count;
    const base = block * BLOCK;
    const threshold = top.threshold;
    let essential = 0;
    let rest = 0;
    while (essential < count && (rest + groupBounds[row + essential]!) * SLACK < threshold) {
      rest += groupBounds[row + essential++]!;
    }
    let found = 0;
    for (let i = essential; i < count; i++) {
      const e = groups[row + i]!;
      if (e === 0) continue;
      const { gain, weight } = terms[i]!;
      const end = blockStart[e]!;
      for (let p = blockStart[e - 1]!; p < end; p++) {
        const d = local[p]!;
        const c = code[p]!;
        const sum = sums[d]!;
        if (sum === 0) touched[found++] = d;
        sums[d] = sum + (c === ESCAPE ? this.exception(p, weight) : gain[c]!);
      }
    }
    for (let i = essential - 1; i >= 0; i--) {
      found = this.keep(found, rest, threshold);
      if (found === 0) return;
      const e = groups[row + i]!;
      if (e === 0) continue;
      rest -= groupBounds[row + i]!;
      const { gain, weight } = terms[i]!;
      const start = blockStart[e - 1]!;
      const end = blockStart[e]!;
      if (found * PROBE_COST < end - start) {
        for (let n = 0; n < found; n++) {
          const d = touched[n]!;
          const p = this.find(start, end, d);
          if (p < 0) continue;
          const c = code[p]!;
          sums[d]! += c === ESCAPE ? this.exception(p, weight) : gain[c]!;
        }
      } else {
        for (let p = start; p < end; p++) {
          const d = local[p]!;
          if (sums[d] === 0) continue;
          const c = code[p]!;
          sums[d]! += c === ESCAPE ? this.exception(p, weight) : gain[c]!;
        }
      }
    }
    for (let n = 0; n < found; n++) {
      const d = touched[n]!;
      const score = Math.fround(sums[d]!);
      sums[d] = 0;
      if (score >= top.threshold) top.offer(score, this.rank[base + d]!, base + d);
    }
  }

  /** Keeps the touched documents that can still reach the threshold, and returns how many they are. */
  private keep(found: number, ahead: number, threshold: number): number {
    const { sums, touched } = this;
    // Rearranged so that the loop compares sums alone.
    const least = threshold / SLACK - ahead;
    let kept = 0;
    for (let n = 0; n < found; n++) {
      const d = touched[n]!;
      if (sums[d]! < least) sums[d] = 0;
      else touched[kept++] = d;
    }
    return kept;
  }

  /** The posting of a document among those of a block, or -1. */
  private find(low: number, end: number, document: number): number {
    const { local } = this;
    let high = end - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (local[middle]! < document) low = middle + 1;
      else high = middle;
    }
    return local[low] === document ? low : -1;
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

/** The `count` blocks with the highest positive bounds, highest first. */
function highest(bounds: Float64Array, count: number): number[] {
  const best: number[] = [];
  for (let block = 0; block < bounds.length; block++) {
    const bound = bounds[block]!;
    if (bound === 0 || (best.length === count && bound <= bounds[best[count - 1]!]!)) continue;
    let at = best.length < count ? best.length : count - 1;
    for (; at > 0 && bounds[best[at - 1]!]! < bound; at--) best[at] = best[at - 1]!;
    best[at] = block;
  }
  return best;
}
