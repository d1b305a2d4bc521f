/**
 * The inner loop of BPE training: merge the most frequent neighbouring pair, again and again. Pairs wait in a heap with the
 * count that they had when they were put there; one whose count has changed since is put back with its new count (the lazy
 * scheme of Hugging Face's trainer). Ties go to the pair with the smaller ids, so the result does not depend on the order
 * of the texts.
 */

/** A pair of ids as one number: ids stay below 2^26. */
const SHIFT = 2 ** 26;

/**
 * Learns merges from counted words.
 * @param counts how often each word occurs; every character of a word is in `alphabet`
 * @param alphabet the first tokens, by id
 * @param size how many tokens there may be in all
 * @returns the tokens by id and the merges in order, each as `left right`
 */
export function learnMerges(
  counts: ReadonlyMap<string, number>,
  alphabet: readonly string[],
  size: number,
): { readonly tokens: readonly string[]; readonly merges: readonly string[] } {
  const tokens = [...alphabet];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words: number[][] = [];
  const weights: number[] = [];
  for (const [word, count] of counts) {
    words.push(Array.from(word, (character) => ids.get(character)!));
    weights.push(count);
  }

  const pairCounts = new Map<number, number>();
  const pairWords = new Map<number, Set<number>>();
  const heap = new PairHeap();
  const add = (pair: number, word: number, change: number): void => {
    pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + change);
    if (change < 0) return; // a word that no longer holds the pair is noticed when the pair is merged
    const holders = pairWords.get(pair);
    if (holders) holders.add(word);
    else pairWords.set(pair, new Set([word]));
  };
  words.forEach((word, w) => {
    for (let i = 1; i < word.length; i++) add(word[i - 1]! * SHIFT + word[i]!, w, weights[w]!);
  });
  for (const [pair, count] of pairCounts) heap.push(pair, count);

  const merges: string[] = [];
  const merged = new Set<number>();
  while (tokens.length < size) {
    const top = heap.pop();
    if (top === undefined) break;
    const count = pairCounts.get(top.pair)!;
    if (count !== top.count) {
      if (count > 0) heap.push(top.pair, count);
      continue;
    }
    if (count < 1) break;
    const left = Math.floor(top.pair / SHIFT);
    const right = top.pair % SHIFT;
    const token = tokens[left]! + tokens[right]!;
    const known = ids.get(token); // the same string can come from two different pairs
    const id = known ?? tokens.length;
    if (known === undefined) {
      ids.set(token, id);
      tokens.push(token);
    }
    // A pair can come back when one of its halves was also made from another pair: it is merged again, but listed once.
    if (!merged.has(top.pair)) merges.push(`${tokens[left]} ${tokens[right]}`);
    merged.add(top.pair);
    const raised = new Set<number>();
    for (const w of pairWords.get(top.pair)!) {
      mergeIn(words[w]!, left, right, id, (pair, change) => {
        add(pair, w, change * weights[w]!);
        if (change > 0) raised.add(pair);
      });
    }
    pairCounts.set(top.pair, 0);
    pairWords.delete(top.pair);
    for (const pair of raised) heap.push(pair, pairCounts.get(pair)!);
  }
  return { tokens, merges };
}

/** Replaces each `left right` in a word by `id`, from the left, and reports the pairs that go (-1) and come (+1). */
function mergeIn(
  word: number[],
  left: number,
  right: number,
  id: number,
  change: (pair: number, by: number) => void,
): void {
  let to = 0;
  for (let from = 0; from < word.length; from++) {
    if (word[from] !== left || word[from + 1] !== right) {
      word[to++] = word[from]!;
      continue;
    }
    if (to > 0) {
      change(word[to - 1]! * SHIFT + left, -1);
      change(word[to - 1]! * SHIFT + id, 1);
    }
    if (from + 2 < word.length) {
      change(right * SHIFT + word[from + 2]!, -1);
      change(id * SHIFT + word[from + 2]!, 1);
    }
    word[to++] = id;
    from++;
  }
  word.length = to;
}

/** A binary heap: the largest count first, then the smallest pair. */
class PairHeap {
  private readonly entries: { readonly pair: number; readonly count: number }[] = [];

  push(pair: number, count: number): void {
    const { entries } = this;
    const entry = { pair, count };
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): { readonly pair: number; readonly count: number } | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && before(entries[child + 1]!, entries[child]!)) child++;
      if (!before(entries[child]!, last)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = last;
    return top;
  }
}

function before(a: { pair: number; count: number }, b: { pair: number; count: number }): boolean {
  return a.count > b.count || (a.count === b.count && a.pair < b.pair);
}
