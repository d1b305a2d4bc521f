import type { Llama3Scaling, ModelConfig } from "./files/index.js";

/** What the angles depend on. */
type Rotary = Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">;

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
  rotary: Rotary,
): { cos: Float32Array; sin: Float32Array } {
  const { headDim } = rotary;
  const table = tableOf(positions.reduce((most, p) => Math.max(most, p), 0) + 1, rotary);
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  positions.forEach((position, t) => {
    const from = position * headDim;
    cos.set(table.cos.subarray(from, from + headDim), t * headDim);
    sin.set(table.sin.subarray(from, from + headDim), t * headDim);
  });
  return { cos, sin };
}

/** `θ^(−2i/d)` for i below d/2, stretched where the model says so, rounded where Hugging Face rounds. */
export function rotaryFrequencies({ headDim, ropeTheta, ropeScaling }: Rotary): Float32Array {
  const plain = Float32Array.from(
    { length: headDim / 2 },
    (_, i) => 1 / Math.fround(ropeTheta ** Math.fround((2 * i) / headDim)),
  );
  return ropeScaling ? plain.map((frequency) => stretched(frequency, ropeScaling)) : plain;
}

/** Source: transformers, `modeling_rope_utils.py: _compute_llama3_parameters`, in float32 step by step as there. */
function stretched(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions: original } = scaling;
  const f = Math.fround;
  const wavelength = f(f(2 * Math.PI) / frequency);
  if (wavelength < original / high) return frequency;
  const slow = f(frequency / f(factor));
  if (wavelength > original / low) return slow;
  const smooth = f(f(f(original / wavelength) - f(low)) / f(high - low));
  const kept = f(smooth * frequency);
  return f(f(f(f(1 - smooth) * frequency) / f(factor)) + kept);
}

function tableOf(positions: number, rotary: Rotary): Table {
  const key = JSON.stringify([rotary.headDim, rotary.ropeTheta, rotary.ropeScaling]);
  const old = tables.get(key);
  if (old && old.positions >= positions) return old;
  const table = computed(Math.max(positions, 2 * (old?.positions ?? 64)), rotary);
  tables.set(key, table);
  return table;
}

function computed(positions: number, rotary: Rotary): Table {
  const { headDim } = rotary;
  const half = headDim / 2;
  const frequencies = rotaryFrequencies(rotary);
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
