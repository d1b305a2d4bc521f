/**
 * Quantile by linear interpolation between order statistics (Hyndman & Fan 1996, type 7: the default of R,
 * NumPy and Excel).
 * @param sorted ascending values, at least one
 * @param p in [0, 1]
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) throw new RangeError("A quantile needs at least one value.");
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (at - below);
}
