/**
 * A policy's parameters in ordinary memory. What is trained lies in one flat vector, which the optimiser updates in
 * place; what is frozen is only passed on to the backend. Both can lie in shared memory for workers to read.
 */
import { InputError, stream } from "../base/index.js";
import {
  type AdapterConfig,
  type AdapterFactors,
  type AdapterFiles,
  adapterParameterName,
  adapterShapes,
  EMBEDDING,
  type ModelConfig,
  type ModelFiles,
  type Weight,
} from "../model/index.js";

/** The parameters that an update changes: every parameter of the model, the adapter only, or nothing. */
export type Trained = "model" | "adapter" | "nothing";

/** A stretch of the flat parameter vector, and whether weight decay applies to it. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
  readonly decay: boolean;
}

/** A named piece of the trained vector. */
export interface TrainedTensor extends Stretch {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Everything another thread needs to build the same weights around the same memory. */
export interface HostWeightsParts {
  readonly config: ModelConfig;
  readonly adapter: AdapterConfig | undefined;
  readonly trained: readonly TrainedTensor[];
  readonly vector: Float32Array;
  readonly frozen: ReadonlyMap<string, FrozenTensor>;
  readonly embedding: Float32Array;
}

/** A parameter that is never updated: values in memory, or fetched when asked for. */
export interface FrozenTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | (() => Float32Array);
}

export class HostWeights implements HostWeightsParts {
  readonly config: ModelConfig;
  readonly adapter: AdapterConfig | undefined;
  readonly trained: readonly TrainedTensor[];
  /** Every trained value. */
  readonly vector: Float32Array;
  readonly frozen: ReadonlyMap<string, FrozenTensor>;
  /** The input embedding `[vocab, d]`; rows are looked up here, where the ids are, and never on the backend. */
  readonly embedding: Float32Array;

  constructor(parts: HostWeightsParts) {
    this.config = parts.config;
    this.adapter = parts.adapter;
    this.trained = parts.trained;
    this.vector = parts.vector;
    this.frozen = parts.frozen;
    this.embedding = parts.embedding;
  }

  /**
   * Reads a model, and an adapter if there is one, into memory.
   * @param shared puts everything into shared memory, for workers
   */
  static read(
    model: ModelFiles,
    adapter: AdapterFiles | undefined,
    trained: Trained,
    shared: boolean,
  ): HostWeights {
    if (trained === "adapter" && !adapter) {
      throw new InputError(`There is no adapter to train: give one, or train the whole model.`);
    }
    const reserve = (n: number): Float32Array =>
      shared ? new Float32Array(new SharedArrayBuffer(n * 4)) : new Float32Array(n);
    const base = new Map(model.weights);
    const added = adapter ? namedFactors(adapter) : new Map<string, Weight>();
    const [learns, rests] =
      trained === "model"
        ? [base, added]
        : trained === "adapter"
          ? [added, base]
          : [new Map(), new Map([...base, ...added])];
    const tensors: TrainedTensor[] = [];
    let offset = 0;
    for (const [name, { shape }] of learns as ReadonlyMap<string, Weight>) {
      const size = shape.reduce((product, n) => product * n, 1);
      tensors.push({ name, shape, offset, size, decay: shape.length > 1 });
      offset += size;
    }
    const vector = reserve(offset);
    for (const { name, offset: at, size } of tensors) learns.get(name)!.data(vector.subarray(at, at + size));
    const frozen = new Map<string, FrozenTensor>();
    for (const [name, weight] of rests as ReadonlyMap<string, Weight>) {
      const size = weight.shape.reduce((product, n) => product * n, 1);
      // Without workers a frozen tensor goes directly to the backend; only the embedding is kept here as well.
      const kept = shared || name === EMBEDDING;
      const { shape } = weight;
      frozen.set(name, { shape, values: kept ? weight.data(reserve(size)) : () => weight.data() });
    }
    const table = tensors.find(({ name }) => name === EMBEDDING);
    const embedding = table
      ? vector.subarray(table.offset, table.offset + table.size)
      : (frozen.get(EMBEDDING)!.values as Float32Array);
    return new HostWeights({
      config: model.config,
      adapter: adapter?.config,
      trained: tensors,
      vector,
      frozen,
      embedding,
    });
  }

  /** The current values as files know them: `ModelFiles` of the base and, if there is one, `AdapterFiles`. */
  toFiles(): { model: ModelFiles; adapter: AdapterFiles | undefined } {
    const all = new Map<string, Weight>();
    for (const { name, shape, offset, size } of this.trained) {
      all.set(
        name,
        weightOf(shape, () => this.vector.subarray(offset, offset + size)),
      );
    }
    for (const [name, { shape, values }] of this.frozen) {
      all.set(name, weightOf(shape, typeof values === "function" ? values : () => values));
    }
    const weights = new Map([...all].filter(([name]) => !name.includes(".lora_")));
    const model = { config: this.config, weights };
    if (!this.adapter) return { model, adapter: undefined };
    const factors = new Map<string, AdapterFactors>();
    for (const path of adapterShapes(this.config, this.adapter).keys()) {
      const factor = (which: "A" | "B"): Weight => all.get(adapterParameterName(path, which))!;
      factors.set(path, { a: factor("A"), b: factor("B") });
    }
    return { model, adapter: { config: this.adapter, factors } };
  }
}

/** A copy of the values each time, because what is handed out must not change under a later update. */
function weightOf(shape: readonly number[], values: () => Float32Array): Weight {
  return {
    shape,
    data: (into) => {
      const now = values();
      if (!into) return Float32Array.from(now);
      into.set(now);
      return into;
    },
  };
}

function namedFactors(adapter: AdapterFiles): Map<string, Weight> {
  const named = new Map<string, Weight>();
  for (const [path, { a, b }] of adapter.factors) {
    named.set(adapterParameterName(path, "A"), a);
    named.set(adapterParameterName(path, "B"), b);
  }
  return named;
}

/**
 * A fresh adapter, as PEFT starts it: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that it changes nothing
 * before the first update.
 * @throws InputError when the rank, alpha, dropout or targets make no sense.
 */
export function freshAdapter(model: ModelConfig, config: AdapterConfig, seed: number | string): AdapterFiles {
  const { rank, alpha, dropout, targets } = config;
  if (!Number.isInteger(rank) || rank < 1)
    throw new InputError(`An adapter's rank must be a positive integer, not ${rank}.`);
  if (!(alpha > 0)) throw new InputError(`An adapter's alpha must be positive, not ${alpha}.`);
  if (!(dropout >= 0 && dropout < 1))
    throw new InputError(`An adapter's dropout must be in [0, 1), not ${dropout}.`);
  if (targets.length === 0) throw new InputError("An adapter needs at least one projection to adapt.");
  const factors = new Map<string, AdapterFactors>();
  for (const [path, shapes] of adapterShapes(model, config)) {
    const bound = 1 / Math.sqrt(shapes.a[1]);
    const a: Weight = {
      shape: shapes.a,
      data: (into = new Float32Array(shapes.a[0] * shapes.a[1])) => {
        const random = stream(seed, "adapter", path);
        for (let i = 0; i < into.length; i++) into[i] = (2 * random.next() - 1) * bound;
        return into;
      },
    };
    const b: Weight = {
      shape: shapes.b,
      data: (into = new Float32Array(shapes.b[0] * shapes.b[1])) => into.fill(0),
    };
    factors.set(path, { a, b });
  }
  return { config, factors };
}
