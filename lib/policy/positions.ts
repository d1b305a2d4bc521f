/**
 * Cosines and sines of the rotary embedding for a list of positions, computed as Hugging Face does in float32:
 * frequencies `θ^(−2i/d)`, both halves of a head the same angles.
 * @returns two arrays `[positions, headDim]`
 */
export function rotaryAngles(
  positions: Int32Array,
  headDim: number,
  theta: number,
): { cos: Float32Array; sin: Float32Array } {
  const half = headDim / 2;
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headDim)),
  );
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  for (let t = 0, at = 0; t < positions.length; t++, at += headDim) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(positions[t]! * frequencies[i]!);
      cos[at + i] = cos[at + half + i] = Math.cos(angle);
      sin[at + i] = sin[at + half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
