/** Angles of positions 0, 1, …, computed when first needed: every pass asks for the same ones. */
interface Table {
  positions: number;
  cos: Float32Array;
  sin: Float32Array;
}

const tables = new Map<string, Table>();

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
  const table = tableOf(positions.reduce((most, p) => Math.max(most, p), 0) + 1, headDim, theta);
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  positions.forEach((position, t) => {
    const from = position * headDim;
    cos.set(table.cos.subarray(from, from + headDim), t * headDim);
    sin.set(table.sin.subarray(from, from + headDim), t * headDim);
  });
  return { cos, sin };
}

/** `θ^(−2i/d)` for i below d/2, rounded where Hugging Face rounds. */
export function rotaryFrequencies(headDim: number, theta: number): Float32Array {
  return Float32Array.from(
    { length: headDim / 2 },
    (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headDim)),
  );
}

function tableOf(positions: number, headDim: number, theta: number): Table {
  const key = `${headDim} ${theta}`;
  const old = tables.get(key);
  if (old && old.positions >= positions) return old;
  const table = computed(Math.max(positions, 2 * (old?.positions ?? 64)), headDim, theta);
  tables.set(key, table);
  return table;
}

function computed(positions: number, headDim: number, theta: number): Table {
  const half = headDim / 2;
  const frequencies = rotaryFrequencies(headDim, theta);
  const cos = new Float32Array(positions * headDim);
  const sin = new Float32Array(positions * headDim);
  for (let t = 0, at = 0; t < positions; t++, at += headDim) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(t * frequencies[i]!);
      cos[at + i] = cos[at + half + i] = Math.cos(angle);
      sin[at + i] = sin[at + half + i] = Math.sin(angle);
    }
  }
  return { positions, cos, sin };
}
