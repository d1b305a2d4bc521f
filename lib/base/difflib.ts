/**
 * Python's `difflib.SequenceMatcher`: characters in the matching blocks of two texts, found as Ratcliff and Obershelp do: the
 * longest common block, then the same to its left and right. The similarity of the texts is 2 M / (|a| + |b|).
 * @param a the characters, as a string (of UTF-16 units) or a list
 * @param options with `autojunk`, in texts of 200 characters or more, those that make up over 1 % of `b` start no block
 */
export function matchedLength(
  a: ArrayLike<string>,
  b: ArrayLike<string>,
  { autojunk = false }: { readonly autojunk?: boolean } = {},
): number {
  const places = new Map<string, number[]>();
  for (let j = 0; j < b.length; j++) {
    const list = places.get(b[j]!);
    if (list) list.push(j);
    else places.set(b[j]!, [j]);
  }
  if (autojunk && b.length >= 200) {
    const popular = Math.floor(b.length / 100) + 1;
    for (const [character, list] of places) if (list.length > popular) places.delete(character);
  }
  let total = 0;
  const spans: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [aLow, aHigh, bLow, bHigh] = span;
    const [i, j, size] = longestMatch(a, b, places, span);
    if (size === 0) continue;
    total += size;
    if (aLow < i && bLow < j) spans.push([aLow, i, bLow, j]);
    if (i + size < aHigh && j + size < bHigh) spans.push([i + size, aHigh, j + size, bHigh]);
  }
  return total;
}

/** difflib's `find_longest_match`: the earliest longest block, then grown over popular characters either side. */
function longestMatch(
  a: ArrayLike<string>,
  b: ArrayLike<string>,
  places: ReadonlyMap<string, readonly number[]>,
  [aLow, aHigh, bLow, bHigh]: readonly [number, number, number, number],
): [number, number, number] {
  let bestI = aLow;
  let bestJ = bLow;
  let size = 0;
  let lengths = new Map<number, number>();
  for (let i = aLow; i < aHigh; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]!) ?? []) {
      if (j < bLow) continue;
      if (j >= bHigh) break;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > size) {
        bestI = i - length + 1;
        bestJ = j - length + 1;
        size = length;
      }
    }
    lengths = next;
  }
  while (bestI > aLow && bestJ > bLow && a[bestI - 1] === b[bestJ - 1]) {
    bestI--;
    bestJ--;
    size++;
  }
  while (bestI + size < aHigh && bestJ + size < bHigh && a[bestI + size] === b[bestJ + size]) size++;
  return [bestI, bestJ, size];
}
