/** The best `limit` documents seen so far: higher score first, equal scores by ascending rank. A binary heap, worst on top. */
export class TopK {
  private readonly scores: Float64Array;
  private readonly ranks: Uint32Array;
  private readonly documents: Uint32Array;
  private size = 0;

  constructor(readonly limit: number) {
    this.scores = new Float64Array(limit);
    this.ranks = new Uint32Array(limit);
    this.documents = new Uint32Array(limit);
  }

  /** No document below this score can enter; one at this score may, by its rank. 0 until the list is full. */
  get threshold(): number {
    return this.size === this.limit ? this.scores[0]! : 0;
  }

  /** Offers a document. */
  offer(score: number, rank: number, document: number): void {
    if (this.size < this.limit) {
      let at = this.size++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!this.worse(score, rank, parent)) break;
        this.move(parent, at);
        at = parent;
      }
      this.set(at, score, rank, document);
      return;
    }
    if (this.limit === 0 || this.worse(score, rank, 0)) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.worse(this.scores[child + 1]!, this.ranks[child + 1]!, child))
        child++;
      if (this.worse(score, rank, child)) break;
      this.move(child, at);
      at = child;
    }
    this.set(at, score, rank, document);
  }

  /** The documents kept, best first. */
  take(): { document: number; score: number }[] {
    const at = Array.from({ length: this.size }, (_, i) => i);
    at.sort((a, b) => this.scores[b]! - this.scores[a]! || this.ranks[a]! - this.ranks[b]!);
    return at.map((i) => ({ document: this.documents[i]!, score: this.scores[i]! }));
  }

  private worse(score: number, rank: number, than: number): boolean {
    return score < this.scores[than]! || (score === this.scores[than] && rank > this.ranks[than]!);
  }

  private move(from: number, to: number): void {
    this.set(to, this.scores[from]!, this.ranks[from]!, this.documents[from]!);
  }

  private set(at: number, score: number, rank: number, document: number): void {
    this.scores[at] = score;
    this.ranks[at] = rank;
    this.documents[at] = document;
  }
}
