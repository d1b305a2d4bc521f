/**
 * Heights for labels beside the ends of lines: as near to the ends as they can be, in the ends' order, and no two
 * nearer to each other than a line of text. Labels that meet share the room around their ends' mean.
 * @param ends where the lines end, by name, on the chart's scale
 * @param gap height of a line of text on that scale
 * @param floor lowest place for a label
 */
export function labelHeights(
  ends: readonly { readonly name: string; readonly value: number }[],
  gap: number,
  floor = -Infinity,
): Map<string, number> {
  // Least squares under an order, by pooling neighbours: with i lines of text below it, label i wants value − i·gap.
  const sorted = [...ends].sort((a, b) => a.value - b.value);
  const pools: { sum: number; count: number }[] = [];
  sorted.forEach(({ value }, i) => {
    pools.push({ sum: value - i * gap, count: 1 });
    for (;;) {
      const [below, above] = [pools.at(-2), pools.at(-1)!];
      if (!below || below.sum / below.count <= above.sum / above.count) break;
      pools.splice(-2, 2, { sum: below.sum + above.sum, count: below.count + above.count });
    }
  });
  const wanted = pools.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count));
  return new Map(sorted.map(({ name }, i) => [name, Math.max(wanted[i]!, floor) + i * gap]));
}
