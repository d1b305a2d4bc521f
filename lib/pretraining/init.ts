/**
 * A start that already knows how to look. Comparing a request with ten listings takes four kinds of attention head that
 * gradient descent finds in any large model but a small one on a small budget finds late or never: one that looks at the
 * previous token, one that looks at what followed the same token before (induction; Olsson et al. 2022), one that looks for the
 * same token elsewhere, and one that looks at the last few tokens. Their queries and keys are set, as Trockman & Kolter (2023,
 * "Mimetic initialization") set whole layers; everything else is drawn at random, and everything is trained.
 *
 * A head's width is split by the rotary embedding's speeds: fast pairs know where a key is, slow pairs what it is.
 */
import { type Random, stream } from "../base/index.js";
import { initModel, type ModelConfig, type ModelFiles, type Weight } from "../model/index.js";

/** Standard deviations of the random parts, for a width of 128. */
const SCALE = { embedding: 0.1, inner: 0.06, outer: 0.02, finalNorm: 0.3 };

/** Pairs of a head that turn by less than this per token tell content; the others tell position. */
const SLOW = 0.012;

/** Attention logit of a token that is the same. */
const SAME = 10;
/** Attention logit of the first token, where heads look that find nothing. */
const SINK = 5;

/** Matrices and vectors of a model, in memory and writable. */
type Values = Map<string, Float32Array>;

/**
 * Random weights with attention heads that look at the previous token and nearby (layer 0), at equal tokens and at what
 * followed them (layer 1), and nearby (layer 2).
 * @param sink token that begins every text
 * @throws RangeError when the model has fewer than 3 layers or 4 heads
 */
export function patternedModel(config: ModelConfig, seed: number, sink: number): ModelFiles {
  if (config.layers < 3 || config.heads < 4 || config.keyValueHeads !== config.heads) {
    throw new RangeError("Patterned weights need 3 layers, 4 heads and as many key/value heads.");
  }
  const values = randomValues(config, seed);
  const random = stream(seed, "patterns");
  const model = new Patterns(config, values, random);
  const slow = model.slow.length * 2;
  const [readPrevious, writePrevious] = [model.projection(slow), model.projection(slow)];

  model.position(0, 0, 4, 1, 5);
  model.carry(0, 0, readPrevious, writePrevious, 0.25);
  model.position(0, 1, 4, 0, 2.3, 2);

  for (const head of [0, 3]) {
    model.content(1, head, readPrevious, writePrevious, SAME);
    const through = model.projection(config.headDim);
    model.carry(1, head, through, through, 0.3);
  }
  for (const head of [1, 2]) {
    const same = model.projection(slow);
    model.content(1, head, same, same, SAME);
    model.notItself(1, head, 2.9);
    model.sink(1, head, same, sink, SINK);
  }
  model.position(2, 0, 4, 0, 2.3, 2);

  const weights = new Map<string, Weight>();
  for (const [name, { shape }] of initModel(config, seed).weights) {
    const data = values.get(name)!;
    weights.set(name, {
      shape,
      data: (into = new Float32Array(data.length)) => {
        into.set(data);
        return into;
      },
    });
  }
  return { config, weights };
}

function randomValues(config: ModelConfig, seed: number): Values {
  const unit = initModel({ ...config, initializerRange: 1 }, seed);
  const values: Values = new Map();
  for (const [name, weight] of unit.weights) {
    const data = weight.data();
    const scale = name.includes("embed_tokens")
      ? SCALE.embedding
      : /(?:o_proj|down_proj)\.weight$/.test(name)
        ? SCALE.outer
        : name === "model.norm.weight"
          ? SCALE.finalNorm
          : name.endsWith("norm.weight")
            ? 1
            : SCALE.inner;
    values.set(
      name,
      data.map((x) => x * scale),
    );
  }
  return values;
}

/** Writes patterns into heads. */
class Patterns {
  private readonly half: number;
  /** Pairs of a head by speed, radians per token. */
  private readonly speeds: readonly number[];
  readonly slow: readonly number[];

  constructor(
    private readonly config: ModelConfig,
    private readonly values: Values,
    private readonly random: Random,
  ) {
    this.half = config.headDim / 2;
    this.speeds = Array.from({ length: this.half }, (_, i) => config.ropeTheta ** (-i / this.half));
    this.slow = this.speeds.flatMap((speed, i) => (speed < SLOW ? [i] : []));
  }

  /** Orthonormal rows, `[rows, d]`: Gram–Schmidt over normal draws. */
  projection(rows: number): Float64Array[] {
    const made: Float64Array[] = [];
    while (made.length < rows) {
      const row = Float64Array.from({ length: this.config.hiddenSize }, () => this.random.normal());
      for (const other of made) {
        const dot = row.reduce((sum, x, i) => sum + x * other[i]!, 0);
        row.forEach((_, i) => (row[i]! -= dot * other[i]!));
      }
      const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
      made.push(row.map((x) => x / norm));
    }
    return made;
  }

  /**
   * Looks `back` tokens back, whatever stands there: biases whose rotations agree there.
   * @param pairs how many of the head's pairs, from `first` on
   */
  position(layer: number, head: number, pairs: number, back: number, strength: number, first = 0): void {
    this.clear(layer, head);
    for (let i = first; i < Math.min(first + pairs, this.half); i++) {
      const phase = this.speeds[i]! * back;
      this.bias(layer, "q", head, i, strength, 0);
      this.bias(layer, "k", head, i, strength * Math.cos(phase), strength * Math.sin(phase));
    }
  }

  /** Looks where `key` of the other token is `query` of this one; a perfect match has the attention logit `logit`. */
  content(
    layer: number,
    head: number,
    query: readonly Float64Array[],
    key: readonly Float64Array[],
    logit: number,
  ): void {
    this.clear(layer, head);
    // A normalised vector has length √d, so its projection has the length √rows.
    const scale = Math.sqrt((logit * Math.sqrt(this.config.headDim)) / query.length);
    this.contentDims().forEach((dim, r) => {
      this.row(layer, "q_proj", head, dim).set(query[r]!.map((x) => x * scale));
      this.row(layer, "k_proj", head, dim).set(key[r]!.map((x) => x * scale));
    });
  }

  /** Keeps a content head from looking at the token itself. */
  notItself(layer: number, head: number, strength: number): void {
    for (let i = 0; i < Math.min(4, this.half); i++) {
      this.bias(layer, "q", head, i, strength, 0);
      this.bias(layer, "k", head, i, -strength, 0);
    }
  }

  /** Looks at the first token with this attention logit, so that a head that finds nothing has somewhere to look. */
  sink(layer: number, head: number, key: readonly Float64Array[], token: number, logit: number): void {
    const { hiddenSize: d, headDim } = this.config;
    const embedding = this.values.get("model.embed_tokens.weight")!.subarray(token * d, (token + 1) * d);
    const rms = Math.sqrt(embedding.reduce((sum, x) => sum + x * x, 0) / d);
    const seen = key.map((row) => row.reduce((sum, x, i) => sum + (x * embedding[i]!) / rms, 0));
    const scale = Math.sqrt((SAME * Math.sqrt(headDim)) / key.length);
    const length = seen.reduce((sum, x) => sum + x * x, 0);
    const dims = this.contentDims();
    const biases = this.values.get(`model.layers.${layer}.self_attn.q_proj.bias`)!;
    dims.forEach((dim, r) => {
      biases[head * headDim + dim] = (logit * Math.sqrt(headDim) * seen[r]!) / (scale * length);
    });
  }

  /** Carries `read` of the token that is looked at into `write`. */
  carry(
    layer: number,
    head: number,
    read: readonly Float64Array[],
    write: readonly Float64Array[],
    strength: number,
  ): void {
    const { hiddenSize: d, headDim, heads } = this.config;
    const out = this.values.get(`model.layers.${layer}.self_attn.o_proj.weight`)!;
    for (let r = 0; r < headDim; r++) {
      this.row(layer, "v_proj", head, r).set(read[r] ?? new Float64Array(d));
      for (let i = 0; i < d; i++) {
        out[i * heads * headDim + head * headDim + r] = strength * (write[r]?.[i] ?? 0);
      }
    }
  }

  /** Dimensions of a head that hold content: both of each slow pair. */
  private contentDims(): number[] {
    return [...this.slow, ...this.slow.map((i) => i + this.half)];
  }

  private clear(layer: number, head: number): void {
    for (let r = 0; r < this.config.headDim; r++) {
      for (const name of ["q_proj", "k_proj"] as const) {
        const row = this.row(layer, name, head, r);
        row.forEach((x, i) => (row[i] = x / 10));
      }
    }
  }

  private row(layer: number, name: "q_proj" | "k_proj" | "v_proj", head: number, dim: number): Float32Array {
    const { hiddenSize: d, headDim } = this.config;
    const at = (head * headDim + dim) * d;
    return this.values.get(`model.layers.${layer}.self_attn.${name}.weight`)!.subarray(at, at + d);
  }

  private bias(
    layer: number,
    of: "q" | "k",
    head: number,
    pair: number,
    first: number,
    second: number,
  ): void {
    const biases = this.values.get(`model.layers.${layer}.self_attn.${of}_proj.bias`)!;
    const at = head * this.config.headDim + pair;
    biases[at] = first;
    biases[at + this.half] = second;
  }
}
