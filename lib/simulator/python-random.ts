/**
 * CPython's `random` module: MT19937 and the methods that WebShop calls, to the bit. WebShop's goal order, price
 * bounds and prices are defined by this stream, so no other generator can stand in for it.
 * Source: Matsumoto & Nishimura 1998; CPython's `_randommodule.c` and `random.py`.
 */
const N = 624;
const M = 397;

export class PythonRandom {
  readonly #state = new Uint32Array(N);
  #position = N;

  /** Same stream as `random.seed(seed)`. `seed` is a whole number; its sign is dropped, as CPython does. */
  constructor(seed: number | bigint) {
    if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
      throw new RangeError(`A seed must be a whole number, not ${seed}.`);
    }
    this.#seedByArray(words(BigInt(seed)));
  }

  /** A float in [0, 1) from 53 bits: Python's `random()`. */
  random(): number {
    const a = this.#next32() >>> 5;
    const b = this.#next32() >>> 6;
    return (a * 67108864 + b) / 9007199254740992;
  }

  /** An integer of `bits` random bits, 1 ≤ bits ≤ 32. */
  getrandbits(bits: number): number {
    return this.#next32() >>> (32 - bits);
  }

  /** An integer in [0, n), 1 ≤ n < 2³², by rejection: Python's `_randbelow(n)`. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0xffffffff) {
      throw new RangeError(`below(n) needs a whole number from 1 to 2^32 - 1, not ${n}.`);
    }
    const bits = 32 - Math.clz32(n);
    let value = this.getrandbits(bits);
    while (value >= n) value = this.getrandbits(bits);
    return value;
  }

  /** A float between two ends: Python's `uniform(a, b)`; `a` may exceed `b`. */
  uniform(a: number, b: number): number {
    return a + (b - a) * this.random();
  }

  /** A shuffled copy: the order that Python's in-place `shuffle` leaves. */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = copy[i]!;
      copy[i] = copy[j]!;
      copy[j] = held;
    }
    return copy;
  }

  /**
   * `count` different elements in random order: Python's `sample`.
   * @throws RangeError when there are fewer than `count`.
   */
  sample<T>(items: readonly T[], count: number): T[] {
    const n = items.length;
    if (count < 0 || count > n) throw new RangeError(`Cannot draw ${count} of ${n}.`);
    // CPython keeps a pool while that is smaller than a set of what was drawn; both consume the stream differently.
    const poolLimit = count > 5 ? 21 + 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 21;
    const result: T[] = [];
    if (n <= poolLimit) {
      const pool = [...items];
      for (let i = 0; i < count; i++) {
        const j = this.below(n - i);
        result.push(pool[j]!);
        pool[j] = pool[n - i - 1]!;
      }
      return result;
    }
    const drawn = new Set<number>();
    for (let i = 0; i < count; i++) {
      let j = this.below(n);
      while (drawn.has(j)) j = this.below(n);
      drawn.add(j);
      result.push(items[j]!);
    }
    return result;
  }

  /** `count` indices with replacement, by running sums of weights: Python's `choices(range(n), cum_weights=…)`. */
  choices(cumulative: readonly number[], count = 1): number[] {
    const last = cumulative.length - 1;
    const total = cumulative[last];
    if (total === undefined || !(total > 0)) throw new RangeError("choices needs a positive total weight.");
    return Array.from({ length: count }, () => bisectRight(cumulative, this.random() * total, 0, last));
  }

  #seedByArray(key: readonly number[]): void {
    const mt = this.#state;
    mt[0] = 19650218;
    for (let i = 1; i < N; i++) mt[i] = Math.imul(1812433253, mt[i - 1]! ^ (mt[i - 1]! >>> 30)) + i;
    let i = 1;
    let j = 0;
    for (let k = Math.max(N, key.length); k > 0; k--) {
      mt[i] = (mt[i]! ^ Math.imul(mt[i - 1]! ^ (mt[i - 1]! >>> 30), 1664525)) + key[j]! + j;
      if (++i >= N) {
        mt[0] = mt[N - 1]!;
        i = 1;
      }
      if (++j >= key.length) j = 0;
    }
    for (let k = N - 1; k > 0; k--) {
      mt[i] = (mt[i]! ^ Math.imul(mt[i - 1]! ^ (mt[i - 1]! >>> 30), 1566083941)) - i;
      if (++i >= N) {
        mt[0] = mt[N - 1]!;
        i = 1;
      }
    }
    mt[0] = 0x80000000;
    this.#position = N;
  }

  #next32(): number {
    if (this.#position >= N) this.#refill();
    let y = this.#state[this.#position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #refill(): void {
    const mt = this.#state;
    for (let k = 0; k < N; k++) {
      const y = (mt[k]! & 0x80000000) | (mt[(k + 1) % N]! & 0x7fffffff);
      mt[k] = mt[(k + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }
}

/** Where `value` would be inserted to the right of its equals in ascending `sorted[low..high)`: Python's `bisect`. */
export function bisectRight(
  sorted: ArrayLike<number>,
  value: number,
  low = 0,
  high: number = sorted.length,
): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < sorted[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** |n| in 32-bit words, least first; `[0]` for 0. */
function words(n: bigint): number[] {
  let rest = n < 0n ? -n : n;
  const result: number[] = [];
  do {
    result.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return result;
}
