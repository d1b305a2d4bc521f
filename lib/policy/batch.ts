/** A packed batch on the backend: what its layers share, how it is scored, and scores sequence by sequence. */
import * as tf from "@tensorflow/tfjs";
import {
  anglesAt,
  type AttentionBlock,
  finalNorm,
  headOf,
  type Model,
  type Stream,
  StreamAttention,
} from "../model/index.js";
import { embed, tokenLogProbs } from "../tensor/index.js";
import type { TokenScores } from "../objective/index.js";
import type { Packed, PackedBundle } from "./pack.js";

/** Inputs common to all layers: rotary tables and attention over the whole stream, and those of the last layer. */
export class Streams {
  private readonly every: Stream;
  private readonly last: Stream;

  constructor(
    private readonly model: Model,
    packed: Packed,
  ) {
    const angles = anglesAt(model.config, packed.positions);
    const attention = (queries: "all" | "scored"): StreamAttention =>
      new StreamAttention(
        packed.bundles.map((bundle) =>
          blockOf(bundle, queries === "scored" ? queriesOf(packed, bundle) : undefined),
        ),
        packed.ids.length,
      );
    this.every = { angles, attention: attention("all") };
    const { queries } = packed;
    this.last = {
      angles,
      attention: attention("scored"),
      queries: {
        rows: queries,
        angles: anglesAt(
          model.config,
          queries.map((i) => packed.positions[i]!),
        ),
      },
    };
  }

  of(layer: number): Stream {
    return layer === this.model.config.layers - 1 ? this.last : this.every;
  }

  dispose(): void {
    tf.dispose(this.all());
  }

  private all(): tf.Tensor[] {
    return [this.every.angles, this.last.queries!.angles].flatMap(({ cos, sin }) => [cos, sin]);
  }
}

/** The bundle's tokens that are scored from, counted within the bundle. */
function queriesOf({ queries }: Packed, { start, queryStart, queryLength }: PackedBundle): Int32Array {
  return queries.subarray(queryStart, queryStart + queryLength).map((at) => at - start);
}

/**
 * A packed bundle's attention: the prompt is causal, a completion sees the prompt and itself up to now.
 * @param scored the tokens to attend from; all when absent
 */
function blockOf(bundle: PackedBundle, scored?: Int32Array): AttentionBlock {
  const { start, length, prompt, segments } = bundle;
  const queries = scored?.length ?? length;
  const ranges = new Int32Array(queries * 4);
  let segmentStart = prompt;
  let next = 0;
  for (let i = 0; i < length; i++) {
    if (i > prompt && segments[i] !== segments[i - 1]) segmentStart = i;
    if (scored && scored[next] !== i) continue;
    ranges.set(i < prompt ? [0, i + 1, i + 1, i + 1] : [0, prompt, segmentStart, i + 1], 4 * next++);
  }
  const queryStart = scored ? bundle.queryStart : start;
  return { queryStart, queries, keyStart: start, keys: length, ranges, rangesPerQuery: 2 };
}

/** From the last layer's output at the scored-from tokens `[Q, d]` to each target's log-probability and entropy `[M]`. */
export function scored(
  model: Model,
  packed: Packed,
  x: tf.Tensor,
  temperature = 1,
  trainHead = false,
): { logProbs: tf.Tensor1D; entropy: tf.Tensor1D } {
  const hidden = embed(packed.sources, finalNorm(model, x));
  return tokenLogProbs(hidden, headOf(model), packed.targets, { temperature, trainHead });
}

/** The scores of each sequence, in the order of the packed completions. */
export function unpacked(
  packed: Packed,
  logProbs: ArrayLike<number>,
  entropies: ArrayLike<number>,
): TokenScores[] {
  return packed.spans.map(({ start, length }) => {
    const piece = (of: ArrayLike<number>): number[] => Array.from({ length }, (_, t) => of[start + t]!);
    return { logProbs: piece(logProbs), entropies: piece(entropies) };
  });
}

/** The scores with the hidden state before each sequence's first scored token. `states` are those of the queries, `[Q, d]`. */
export function withStates(
  scores: readonly TokenScores[],
  packed: Packed,
  states: Float32Array,
  d: number,
): TokenScores[] {
  return scores.map((score, i) => {
    const at = packed.sources[packed.spans[i]!.start]! * d;
    return { ...score, state: [...states.subarray(at, at + d)] };
  });
}

/** A number for each scored token in the order of the stream. @throws RangeError when a sequence lacks some */
export function flattened(packed: Packed, bySequence: readonly (readonly number[])[]): Float32Array {
  const flat = new Float32Array(packed.targets.length);
  packed.spans.forEach(({ start, length }, i) => {
    const values = bySequence[i];
    if (values?.length !== length) {
      throw new RangeError(
        `The loss gave ${values?.length ?? 0} derivatives for the ${length} scored tokens of sequence ${i} of its micro-batch.`,
      );
    }
    flat.set(values, start);
  });
  return flat;
}
