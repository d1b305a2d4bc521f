/** Austin Appleby's MurmurHash in the two forms that spaCy uses: of a string's bytes, and of a 64-bit number. */

const MASK = 0xffffffffffffffffn;
const encoder = new TextEncoder();

/** MurmurHash64A (MurmurHash2, 64 bits) of the UTF-8 bytes of a text, seed 1: the number by which spaCy knows the text. */
export function hashText(text: string): bigint {
  const M = 0xc6a4a7935bd1e995n;
  const bytes = encoder.encode(text);
  const view = new DataView(bytes.buffer);
  let hash = (1n ^ (BigInt(bytes.length) * M)) & MASK;
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at < whole; at += 8) {
    let word = (view.getBigUint64(at, true) * M) & MASK;
    word ^= word >> 47n;
    hash = ((hash ^ ((word * M) & MASK)) * M) & MASK;
  }
  if (whole < bytes.length) {
    let rest = 0n;
    for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at]!);
    hash = ((hash ^ rest) * M) & MASK;
  }
  hash ^= hash >> 47n;
  hash = (hash * M) & MASK;
  return hash ^ (hash >> 47n);
}

/**
 * Four 32-bit keys for a 64-bit number: MurmurHash3 x64-128 over its eight bytes.
 * @param seed the table's own, a small whole number.
 */
export function hashNumber(value: bigint, seed: number): readonly [number, number, number, number] {
  const start = BigInt(seed) ^ 8n;
  let one = (value * 0x87c37b91114253d5n) & MASK;
  one = ((one << 31n) & MASK) | (one >> 33n);
  one = ((one * 0x4cf5ad432745937fn) & MASK) ^ start;
  one = (one + start) & MASK;
  let two = (start + one) & MASK;
  one = scatter(one);
  two = scatter(two);
  one = (one + two) & MASK;
  two = (two + one) & MASK;
  const low = (x: bigint): number => Number(x & 0xffffffffn);
  return [low(one), low(one >> 32n), low(two), low(two >> 32n)];
}

/** The last step of MurmurHash3, which lets every bit reach every other. */
function scatter(value: bigint): bigint {
  let x = value ^ (value >> 33n);
  x = (x * 0xff51afd7ed558ccdn) & MASK;
  x ^= x >> 33n;
  x = (x * 0xc4ceb9fe1a85ec53n) & MASK;
  return x ^ (x >> 33n);
}
