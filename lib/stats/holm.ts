/**
 * Holm's step-down adjustment of a family of p-values (Holm 1979): the k-th smallest of m is multiplied by
 * m − k + 1, made monotone and cut at 1. Rejecting where the result is below α keeps the chance of any false
 * rejection below α. The order of the input is kept.
 * @throws RangeError when a p-value is not in [0, 1]
 */
export function holm(pValues: readonly number[]): number[] {
  if (pValues.some((p) => !(p >= 0 && p <= 1))) throw new RangeError("A p-value must be in [0, 1].");
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i]! - pValues[j]! || i - j);
  const adjusted = new Array<number>(pValues.length).fill(0);
  let running = 0;
  order.forEach((index, rank) => {
    running = Math.max(running, Math.min(1, pValues[index]! * (pValues.length - rank)));
    adjusted[index] = running;
  });
  return adjusted;
}
