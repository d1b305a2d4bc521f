/** The packed layout of a micro-batch: bundles side by side in one stream of tokens. */
import { type Bundle, packedLength, scoredTokens } from "./bundles.js";

/** Where one completion's tokens lie among the scored tokens of a batch. */
export interface Span {
  /** First scored token of this completion; the others follow. */
  readonly start: number;
  /** Scored tokens. */
  readonly length: number;
}

/** One bundle in the packed layout `[prompt][completion 1]…[completion n]`. */
export interface PackedBundle {
  /** First token of this bundle in the batch's token stream. */
  readonly start: number;
  /** Tokens of this bundle in the stream. */
  readonly length: number;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** For each token the completion that it belongs to, from 1; 0 is the prompt. `[length]` */
  readonly segments: Int32Array;
  /** First token that is scored from, in this bundle's list of scored-from tokens, see `Packed.queries`. */
  readonly queryStart: number;
  readonly queryLength: number;
}

/**
 * Bundles side by side in one stream of N tokens: no padding, the prompt once per bundle, positions restarting after it.
 * A completion's last token predicts nothing, so it is a target only and never enters the stream.
 */
export interface Packed {
  readonly bundles: readonly PackedBundle[];
  /** Token ids. `[N]` */
  readonly ids: Int32Array;
  /** Positions for the rotary embedding. `[N]` */
  readonly positions: Int32Array;
  /** The stream's tokens that predict a completion token, ascending and each once. `[Q]` */
  readonly queries: Int32Array;
  /** For each scored token the entry of `queries` that predicts it. `[M]` */
  readonly sources: Int32Array;
  /** Each scored token's id, completion after completion. `[M]` */
  readonly targets: Int32Array;
  /** One for each completion, bundle after bundle. */
  readonly spans: readonly Span[];
}

/** Packs checked bundles. */
export function pack(bundles: readonly Bundle[]): Packed {
  const total = bundles.reduce((sum, bundle) => sum + packedLength(bundle), 0);
  const scored = bundles.reduce(
    (sum, bundle) => sum + bundle.completions.reduce((s, completion) => s + scoredTokens(completion), 0),
    0,
  );
  const ids = new Int32Array(total);
  const positions = new Int32Array(total);
  const targets = new Int32Array(scored);
  const sources = new Int32Array(scored);
  const queries: number[] = [];
  const spans: Span[] = [];
  const packed: PackedBundle[] = [];
  let at = 0;
  let token = 0;
  for (const bundle of bundles) {
    const start = at;
    const prompt = bundle.prompt.length;
    const segments = new Int32Array(packedLength(bundle));
    ids.set(bundle.prompt, at);
    for (let i = 0; i < prompt; i++) positions[at + i] = i;
    at += prompt;
    const queryStart = queries.length;
    queries.push(at - 1);
    bundle.completions.forEach((completion, c) => {
      const { length } = completion.ids;
      spans.push({ start: token, length: scoredTokens(completion) });
      const isScored = (t: number): boolean => completion.scored?.[t] ?? true;
      for (let t = 0; t < length; t++) {
        if (isScored(t)) {
          targets[token] = completion.ids[t]!;
          // The first token follows the prompt's last; each other one its predecessor.
          sources[token++] = t === 0 ? queryStart : queries.length - 1;
        }
        if (t === length - 1) break;
        ids[at] = completion.ids[t]!;
        positions[at] = prompt + t;
        segments[at - start] = c + 1;
        if (isScored(t + 1)) queries.push(at);
        at++;
      }
    });
    packed.push({
      start,
      length: at - start,
      prompt,
      segments,
      queryStart,
      queryLength: queries.length - queryStart,
    });
  }
  return { bundles: packed, ids, positions, queries: Int32Array.from(queries), sources, targets, spans };
}
