/** "Did you mean": the known word that a mistyped one is nearest to. */

/**
 * The nearest of the known words, as ` Did you mean "x"?`, or nothing where none is near: at most a third of the longer word's
 * letters may have to be put in, left out, exchanged or swapped with their neighbour (optimal string alignment).
 */
export function didYouMean(word: string, known: readonly string[]): string {
  let best: string | null = null;
  let least = Infinity;
  for (const one of known) {
    const far = distance(word.toLowerCase(), one.toLowerCase());
    if (far < least && far <= Math.max(1, Math.max(word.length, one.length) / 3)) [best, least] = [one, far];
  }
  return best === null ? "" : ` Did you mean "${best}"?`;
}

function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
