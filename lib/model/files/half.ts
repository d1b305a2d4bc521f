/**
 * The two 16-bit floats that model files use, to and from float32. Both directions are exact where they can be;
 * towards 16 bits they round to nearest, ties to even, as PyTorch does.
 */

/** float16 bits → float32 bits, for all 65,536 of them; made on first use. */
let float16Table: Uint32Array | undefined;

/**
 * Widens bfloat16 (the upper half of a float32).
 * @param from raw 16-bit values
 * @param into receives as many floats, from `at` on
 */
export function bfloat16ToFloat32(from: Uint16Array, into: Float32Array, at = 0): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset + 4 * at, from.length);
  for (let i = 0; i < from.length; i++) bits[i] = from[i]! << 16;
}

/** Widens IEEE float16; arguments as in `bfloat16ToFloat32`. */
export function float16ToFloat32(from: Uint16Array, into: Float32Array, at = 0): void {
  const table = (float16Table ??= makeFloat16Table());
  const bits = new Uint32Array(into.buffer, into.byteOffset + 4 * at, from.length);
  for (let i = 0; i < from.length; i++) bits[i] = table[from[i]!]!;
}

/** Narrows to bfloat16. A NaN stays a NaN. */
export function float32ToBfloat16(from: Float32Array, into: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < from.length; i++) {
    const x = bits[i]!;
    const isNaN = (x & 0x7fffffff) > 0x7f800000;
    into[i] = isNaN ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
}

/** Narrows to float16; what is too large becomes infinite, as in PyTorch. */
export function float32ToFloat16(from: Float32Array, into: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < from.length; i++) into[i] = float16Bits(bits[i]!);
}

function float16Bits(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude >= 0x38800000) {
    // A normal float16: rebias the exponent (127 → 15) and drop 13 bits of mantissa.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= 0x33000000) return sign; // at most half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23); // 14 … 24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

function makeFloat16Table(): Uint32Array {
  const values = new Float32Array(65536);
  for (let h = 0; h < 65536; h++) {
    const exponent = (h >>> 10) & 0x1f;
    const mantissa = h & 0x3ff;
    let value: number;
    if (exponent === 0) value = mantissa * 2 ** -24;
    else if (exponent === 31) value = mantissa === 0 ? Infinity : NaN;
    else value = (1 + mantissa / 1024) * 2 ** (exponent - 15);
    values[h] = h & 0x8000 ? -value : value;
  }
  return new Uint32Array(values.buffer);
}
