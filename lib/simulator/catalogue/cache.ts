/**
 * Values by number, as many as fit into a budget: two generations, of which the older is dropped whole when the
 * younger is full. Cheaper per hit than a strict least-recently-used list, and as bounded.
 */
export class Cache<T> {
  private young = new Map<number, T>();
  private old = new Map<number, T>();
  private used = 0;

  /** @param budget the most that the costs of both generations may add up to */
  constructor(private readonly budget: number) {}

  get(key: number): T | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  put(key: number, value: T, cost: number): T {
    if (this.used + cost > this.budget / 2) {
      this.old = this.young;
      this.young = new Map();
      this.used = 0;
    }
    this.young.set(key, value);
    this.used += cost;
    return value;
  }
}
