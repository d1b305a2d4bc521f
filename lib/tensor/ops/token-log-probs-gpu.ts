import type * as tf from "@tensorflow/tfjs";
import { multiply } from "../backends/webgpu/product.js";
import type { WebgpuRuntime } from "../backends/webgpu/runtime.js";
import { logitGradient, statistics, type Chunk } from "../backends/webgpu/vocabulary.js";
import type { OpImplementation } from "./define.js";
import { chunksOf, type ScoreAttrs } from "./token-log-probs-fused.js";

/** Scoring on `webgpu`. The third output, `[n, 3]`, holds each row's largest logit, log Z and entropy. */
export const gpuScore: OpImplementation<ScoreAttrs, WebgpuRuntime> = {
  forward: ([hidden, head], attrs, runtime) => {
    const n = attrs.targets.length;
    const outputs = [runtime.output([n]), runtime.output([n]), runtime.output([n, 3])] as const;
    const targets = runtime.integers(attrs.targets);
    eachChunk(hidden!, head!, attrs, runtime, (logits, chunk) => {
      statistics(runtime, logits, targets, chunk, outputs);
    });
    return [...outputs];
  },
  backward: ([dLogProb, dEntropy], [hidden, head, kept], attrs, runtime) => {
    const [n, d] = hidden!.shape as [number, number];
    const vocab = head!.shape[0]!;
    const targets = runtime.integers(attrs.targets);
    const gradients = (
      wantHidden: boolean,
      wantHead: boolean,
    ): { dHidden?: tf.Tensor; dHead?: tf.Tensor } => {
      const dHidden = wantHidden ? runtime.output([n, d]) : undefined;
      let dHead: tf.Tensor | undefined;
      eachChunk(hidden!, head!, attrs, runtime, (logits, chunk) => {
        const { start, size } = chunk;
        logitGradient(runtime, logits, targets, chunk, [dLogProb!, dEntropy!, kept!]);
        if (dHidden !== undefined) {
          const gradients = { of: logits, transposed: false };
          multiply(runtime, [size, d, vocab], gradients, { of: head!, transposed: false }, dHidden, {
            to: start * d,
          });
        }
        if (wantHead) {
          const next = runtime.output([vocab, d]);
          const rows = { of: hidden!, transposed: false, from: start * d };
          const before = dHead && { plus: dHead };
          multiply(runtime, [vocab, d, size], { of: logits, transposed: true }, rows, next, before);
          dHead?.dispose();
          dHead = next;
        }
      });
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

/** Computes the logits of one chunk of rows after another, `[size, vocab]`, and lets each go after its turn. */
function eachChunk(
  hidden: tf.Tensor,
  head: tf.Tensor,
  attrs: ScoreAttrs,
  runtime: WebgpuRuntime,
  body: (logits: tf.Tensor, chunk: Chunk) => void,
): void {
  const [vocab, d] = head.shape as [number, number];
  for (const [start, size] of chunksOf(attrs)) {
    const logits = runtime.output([size, vocab]);
    const rows = { of: hidden, transposed: false, from: start * d };
    multiply(runtime, [size, vocab, d], rows, { of: head, transposed: true }, logits);
    body(logits, { start, size, vocab, temperature: attrs.temperature });
    logits.dispose();
  }
}
