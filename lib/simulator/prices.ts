import { PythonRandom } from "./python-random.js";

/**
 * Seed of the prices and price bounds where none is given. WebShop draws both from a generator that nobody
 * seeded, so that they differ from process to process; ours are part of a catalogue's fingerprint.
 */
export const DEFAULT_PRICE_SEED = 233;

/**
 * One price per product, in load order (§1.3.5): the only price, or one drawn evenly from a range. The numbers are
 * those of a WebShop process that called `random.seed(seed)` before loading. To draw the goals' price bounds as
 * that process would, pass one `PythonRandom` here and then to the goals.
 * @param pricing each product's `pricing`: one price, or the two ends of a range, in dollars.
 */
export function drawPrices(
  pricing: Iterable<readonly number[]>,
  seed: number | PythonRandom = DEFAULT_PRICE_SEED,
): Float64Array {
  const random = typeof seed === "number" ? new PythonRandom(seed) : seed;
  let prices = new Float64Array(1024);
  let count = 0;
  for (const range of pricing) {
    if (count === prices.length) {
      const longer = new Float64Array(count * 2);
      longer.set(prices);
      prices = longer;
    }
    prices[count++] = drawPrice(range, random);
  }
  return prices.slice(0, count);
}

/** The price of one product; consumes the stream only for a range. */
export function drawPrice(range: readonly number[], random: PythonRandom): number {
  const [low, high] = range;
  if (low === undefined) return 100;
  return high === undefined ? low : random.uniform(low, high);
}
