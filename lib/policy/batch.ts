/** A packed batch on the backend: what its layers share, how it is scored, and scores in the shape of the rows. */
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
import type { Packed, PackedRow, Row } from "./rows.js";
import type { CompletionScores, Scores } from "./scores.js";

/** What the layers share: rotary tables and attention over the whole stream, and those of the last layer. */
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
        packed.rows.map((row) => blockOf(row, queries === "scored" ? queriesOf(packed, row) : undefined)),
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

/** The row's tokens that are scored from, counted within the row. */
function queriesOf({ queries }: Packed, { start, queryStart, queryLength }: PackedRow): Int32Array {
  return queries.subarray(queryStart, queryStart + queryLength).map((at) => at - start);
}

/**
 * A packed row's attention: the prompt is causal, a completion sees the prompt and itself up to now.
 * @param scored the tokens to attend from; all when absent
 */
function blockOf(row: PackedRow, scored?: Int32Array): AttentionBlock {
  const { start, length, prompt, segments } = row;
  const queries = scored?.length ?? length;
  const ranges = new Int32Array(queries * 4);
  let segmentStart = prompt;
  let next = 0;
  for (let i = 0; i < length; i++) {
    if (i > prompt && segments[i] !== segments[i - 1]) segmentStart = i;
    if (scored && scored[next] !== i) continue;
    ranges.set(i < prompt ? [0, i + 1, i + 1, i + 1] : [0, prompt, segmentStart, i + 1], 4 * next++);
  }
  const queryStart = scored ? row.queryStart : start;
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

export function unpacked(
  packed: Packed,
  rows: readonly Row[],
  logProbs: ArrayLike<number>,
  entropies: ArrayLike<number>,
): Scores {
  const scores = rows.map((): CompletionScores[] => []);
  for (const { row, start, length } of packed.spans) {
    const piece = (of: ArrayLike<number>): number[] => Array.from({ length }, (_, t) => of[start + t]!);
    scores[row]!.push({ logProbs: piece(logProbs), entropies: piece(entropies) });
  }
  return scores;
}

/** The scores with the hidden state before each completion's first scored token. `states` are those of the queries, `[Q, d]`. */
export function withStates(scores: Scores, packed: Packed, states: Float32Array, d: number): Scores {
  const rows = scores.map((row) => [...row]);
  for (const { row, completion, start } of packed.spans) {
    const at = packed.sources[start]! * d;
    rows[row]![completion] = { ...rows[row]![completion]!, state: [...states.subarray(at, at + d)] };
  }
  return rows;
}

export function flattened(packed: Packed, nested: readonly (readonly (readonly number[])[])[]): Float32Array {
  const flat = new Float32Array(packed.targets.length);
  for (const { row, completion, start, length } of packed.spans) {
    const values = nested[row]?.[completion];
    if (values?.length !== length) {
      throw new RangeError(
        `The objective gave ${values?.length ?? 0} slopes for the ${length} tokens of completion ${completion} of row ${row}.`,
      );
    }
    flat.set(values, start);
  }
  return flat;
}
