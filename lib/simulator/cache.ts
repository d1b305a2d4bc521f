/**
 * A bounded least-recently-used cache of things that can be computed again. It never changes a result, only the
 * time it takes.
 */
export class Cache<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly weight: number }>();
  #weight = 0;

  /** @param maxWeight sum of the entries' weights beyond which the oldest go. */
  constructor(private readonly maxWeight: number) {}

  /** The kept value, or the one that `make` gives, which is then kept unless it alone is too heavy. */
  get(key: K, make: () => V, weigh: (value: V) => number = () => 1): V {
    const found = this.#entries.get(key);
    if (found !== undefined) {
      // A Map lists its keys in order of insertion: moving a key to the end makes the first the least used.
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value;
    }
    const value = make();
    const weight = weigh(value);
    if (weight > this.maxWeight) return value;
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= this.maxWeight) break;
      this.#entries.delete(oldest);
      this.#weight -= entry.weight;
    }
    return value;
  }

  get size(): number {
    return this.#entries.size;
  }
}
