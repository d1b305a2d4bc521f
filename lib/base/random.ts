/**
 * Seeded randomness, split by name. Nothing in the library draws from a global generator: code that draws is
 * given a `Random`, and a stream is found by what it is for, not by when it is drawn, so that order,
 * batching and the number of workers change no number.
 */

/** A seeded generator: the same seed and names give the same numbers on every machine. */
export interface Random {
  /** A float in [0, 1), from 53 random bits. */
  next(): number;
  /** An integer in [0, n). `n` must be a positive integer. */
  below(n: number): number;
  /** A standard normal (Box–Muller). */
  normal(): number;
  /** One element. */
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * The stream that belongs to a seed and a path of names, e.g. `stream(seed, "rollout", goal, sample)`.
 * xoshiro128** (Blackman & Vigna 2021), seeded by 128 bits of hash over the names.
 */
export function stream(seed: number | string, ...names: readonly (number | string)[]): Random {
  const key = [seed, ...names].map((name) => `${typeof name === "number" ? "n" : "s"}${name}`).join("\u0000");
  let [a, b, c, d] = hash128(key);

  const next32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result;
  };
  const next = (): number => ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992;
  const below = (n: number): number => {
    if (!Number.isInteger(n) || n <= 0) throw new RangeError(`below(n) needs a positive integer, not ${n}.`);
    return Math.floor(next() * n);
  };
  return {
    next,
    below,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (items) => items[below(items.length)]!,
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
  };
}

/** Four 32-bit words of hash over a string: four FNV-1a lanes with different offsets, each finalised (murmur3). */
function hash128(text: string): [number, number, number, number] {
  const lanes = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    for (let lane = 0; lane < 4; lane++) {
      lanes[lane] = Math.imul(lanes[lane]! ^ (code + lane * 0x10001), 0x01000193 + lane * 2);
    }
  }
  return lanes.map((x) => {
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) | 0;
  }) as [number, number, number, number];
}

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
