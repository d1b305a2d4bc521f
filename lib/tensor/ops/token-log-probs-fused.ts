import type * as tf from "@tensorflow/tfjs";
import type { WasmRuntime } from "../backends/wasm/runtime.js";
import type { OpImplementation } from "./define.js";

/** The inputs of scoring beside its tensors. */
export interface ScoreAttrs {
  readonly targets: Int32Array;
  readonly temperature: number;
  readonly chunk: number;
  /** Whether the head's gradient will be asked for. */
  readonly trainHead: boolean;
}

/** The chunks of rows, as first row and size. */
export function chunksOf({ targets, chunk }: ScoreAttrs): [start: number, size: number][] {
  const chunks: [number, number][] = [];
  for (let start = 0; start < targets.length; start += chunk) {
    chunks.push([start, Math.min(chunk, targets.length - start)]);
  }
  return chunks;
}

/**
 * Scoring on the heap. Outputs: log-probabilities, entropies, and `[n, 3]` for the gradient: each row's largest logit, `1 / Z` and
 * `H − log Z`, where `Z = Σ exp((z − largest) / T)`.
 */
export const fusedScore: OpImplementation<ScoreAttrs, WasmRuntime> = {
  forward: ([hidden, head], attrs, runtime) => {
    const n = attrs.targets.length;
    const [logProbs, entropy, kept] = [runtime.output([n]), runtime.output([n]), runtime.output([n, 3])];
    const logits = logitArea(head!, attrs, runtime);
    const vocab = head!.shape[0]!;
    const statistics = runtime.area("logitStatistics", 12 * attrs.chunk);
    const sharpness = 1 / attrs.temperature;
    for (const [start, size] of chunksOf(attrs)) {
      computeLogits(hidden!, head!, start, size, logits, runtime);
      runtime.run("logitStatistics", logits, size, vocab, sharpness, statistics);
      const all = runtime.floats(logits, size * vocab);
      const stats = runtime.floats(statistics, size * 3);
      const [ps, hs] = [
        runtime.floats(runtime.address(logProbs), n),
        runtime.floats(runtime.address(entropy), n),
      ];
      const keeps = runtime.floats(runtime.address(kept), n * 3);
      for (let i = 0; i < size; i++) {
        const [largest, z, weighted] = [stats[i * 3]!, stats[i * 3 + 1]!, stats[i * 3 + 2]!];
        const logZ = Math.log(z);
        const target = all[i * vocab + attrs.targets[start + i]!]!;
        ps[start + i] = (target - largest) * sharpness - logZ;
        hs[start + i] = logZ - weighted / z;
        keeps.set([largest, 1 / z, -weighted / z], (start + i) * 3);
      }
    }
    return [logProbs, entropy, kept];
  },
  backward: ([dLogProb, dEntropy], [hidden, head, kept], attrs, runtime) => {
    const [n, d] = hidden!.shape as [number, number];
    const vocab = head!.shape[0]!;
    const logits = logitArea(head!, attrs, runtime);
    const parameters = runtime.area("logitParameters", 20 * attrs.chunk);
    const sharpness = 1 / attrs.temperature;
    const gradients = (
      wantHidden: boolean,
      wantHead: boolean,
    ): { dHidden?: tf.Tensor; dHead?: tf.Tensor } => {
      const dHidden = wantHidden ? runtime.output([n, d]) : undefined;
      const dHead = wantHead ? runtime.zeros([vocab, d]) : undefined;
      for (const [start, size] of chunksOf(attrs)) {
        computeLogits(hidden!, head!, start, size, logits, runtime);
        const dl = runtime.floats(runtime.address(dLogProb!), n);
        const de = runtime.floats(runtime.address(dEntropy!), n);
        const keeps = runtime.floats(runtime.address(kept!), n * 3);
        const rows = runtime.floats(parameters, size * 5);
        for (let i = 0, row = start; i < size; i++, row++) {
          rows.set([keeps[row * 3]!, keeps[row * 3 + 1]!, dl[row]!, de[row]!, keeps[row * 3 + 2]!], i * 5);
        }
        runtime.run("logitGradient", logits, size, vocab, sharpness, parameters);
        const dz = runtime.floats(logits, size * vocab);
        for (let i = 0; i < size; i++) {
          const at = i * vocab + attrs.targets[start + i]!;
          dz[at] = dz[at]! + sharpness * dl[start + i]!;
        }
        if (dHidden !== undefined) {
          const to = runtime.address(dHidden) + 4 * start * d;
          runtime.multiply(size, d, vocab, logits, false, runtime.address(head!), false, to);
        }
        if (dHead !== undefined) {
          const rowsAt = runtime.address(hidden!) + 4 * start * d;
          runtime.strided(
            [vocab, d, size],
            [logits, 4, 4 * vocab],
            [rowsAt, 4 * d, 4],
            [runtime.address(dHead), 4 * d],
            true,
          );
        }
      }
      return { ...(dHidden && { dHidden }), ...(dHead && { dHead }) };
    };
    // Both are wanted or only the hidden states': the logits are then computed once for both.
    const both = attrs.trainHead ? gradients(true, true) : undefined;
    return [
      () => both?.dHidden ?? gradients(true, false).dHidden!,
      () => both?.dHead ?? gradients(false, true).dHead!,
    ];
  },
};

function logitArea(head: tf.Tensor, attrs: ScoreAttrs, runtime: WasmRuntime): number {
  return runtime.area("logits", 4 * Math.min(attrs.chunk, attrs.targets.length) * head.shape[0]!);
}

function computeLogits(
  hidden: tf.Tensor,
  head: tf.Tensor,
  start: number,
  size: number,
  logits: number,
  runtime: WasmRuntime,
): void {
  const [vocab, d] = head.shape as [number, number];
  const rows = runtime.address(hidden) + 4 * start * d;
  runtime.multiply(size, vocab, d, rows, false, runtime.address(head), true, logits);
}
