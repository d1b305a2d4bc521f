/**
 * One copy of the weights on this thread's backend, which does one piece of work at a time: it puts the trained values there when they have
 * changed, and reads gradients back into a vector like theirs.
 */
import * as tf from "@tensorflow/tfjs";
import { adaptWith, type Dropout, EMBEDDING, headOf, type Model, readsRanges } from "../model/index.js";
import type { TokenScores } from "../objective/index.js";
import { copyInto, wasmRuntime, webgpuRuntime } from "../tensor/index.js";
import type { HostWeights } from "./host-weights.js";
import { inspect, type Inspection } from "./inspect.js";
import type { Bundle } from "./pack.js";
import { differentiate, type Place, scoreBundles, type Weights } from "./passes.js";
import type { BatchGradient, MicroBatch, ReplicaPool } from "./replica-pool.js";
import { collect } from "./sampling/collect.js";
import { generate } from "./sampling/generate.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";
import type { ScoreOptions } from "./scores.js";

/** Runs tasks one after another, in the order in which they are added; the next one runs also when one fails. */
export class Queue {
  private last: Promise<unknown> = Promise.resolve();

  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task, task);
    this.last = result;
    return result;
  }
}

export class Replica implements ReplicaPool, Weights {
  readonly size = 1;
  private readonly tensors = new Map<string, tf.Tensor>();
  private version = -1;
  /** One piece of work at a time: an update must not take the weights away under a sample. */
  private readonly queue = new Queue();
  /** For gradients, when the first is asked for. */
  private scratch: Float32Array | undefined;

  constructor(private readonly host: HostWeights) {
    for (const [name, { shape, values }] of host.frozen) {
      // Untied, the input embedding is read on the host only.
      if (name === EMBEDDING && !host.config.tiedEmbeddings) continue;
      this.tensors.set(
        name,
        tf.keep(tf.tensor(typeof values === "function" ? values() : values, [...shape])),
      );
    }
  }

  /** Trained values. */
  get trainedSize(): number {
    return this.host.vector.length;
  }

  /** The probability with which the adapter drops its inputs. */
  get dropout(): number {
    return this.host.adapter?.dropout ?? 0;
  }

  score(
    batches: readonly (readonly Bundle[])[],
    version: number,
    options: ScoreOptions,
  ): Promise<TokenScores[][]> {
    return this.queue.add(async () => {
      this.sync(version);
      const scores: TokenScores[][] = [];
      for (const bundles of batches) scores.push(await scoreBundles(this, bundles, options));
      return scores;
    });
  }

  /** @param into takes each gradient in turn; default: a vector of the replica's own */
  gradients(
    batches: readonly MicroBatch[],
    version: number,
    take: (result: BatchGradient) => void,
    into?: Float32Array,
  ): Promise<void> {
    return this.queue.add(async () => {
      this.sync(version);
      const gradient = into ?? (this.scratch ??= new Float32Array(this.trainedSize));
      for (const [batch, { bundles, loss, options }] of batches.entries()) {
        const result = await differentiate(this, bundles, loss, gradient, options);
        take({ batch, ...result, gradient });
      }
    });
  }

  sample(requests: readonly SampleRequest[], version: number, options: SampleOptions): Promise<Sample[][]> {
    return this.queue.add(() => collect(requests, this.stream(requests, version, options)));
  }

  stream(
    requests: readonly SampleRequest[],
    version: number,
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    this.sync(version);
    return this.generate(requests, options);
  }

  /** The model's probabilities after a text, and its attention weights. */
  inspect(ids: readonly number[], version: number, adapter: "on" | "off"): Promise<Inspection> {
    return this.queue.add(() => {
      this.sync(version);
      return inspect(this.model(adapter), (rows) => this.embedded(rows), ids);
    });
  }

  /** Frees everything on the backend. */
  dispose(): Promise<void> {
    return this.queue.add(async () => {
      for (const tensor of this.tensors.values()) tensor.dispose();
      this.tensors.clear();
      this.version = -1;
    });
  }

  /** The model with its adapter on or off. */
  model(adapter: "on" | "off", dropout?: Dropout): Model {
    const { config, adapter: lora } = this.host;
    const base = { config, tensors: this.tensors };
    return lora && adapter === "on" ? { ...base, adapt: adaptWith(lora, this.tensors, dropout) } : base;
  }

  /** Rows of the input embedding, `[ids, d]`. */
  embedded(ids: Int32Array): tf.Tensor2D {
    const d = this.host.config.hiddenSize;
    const rows = new Float32Array(ids.length * d);
    ids.forEach((id, i) => rows.set(this.host.embedding.subarray(id * d, (id + 1) * d), i * d));
    return tf.tensor2d(rows, [ids.length, d]);
  }

  trainsHead(): boolean {
    const head = headOf(this.model("on"));
    return this.host.trained.some(({ name }) => this.tensors.get(name) === head);
  }

  trainedIn(from: number, to: number): Place[] {
    const { layers } = this.host.config;
    return this.host.trained.flatMap(({ name, offset, size }) => {
      const tensor = this.tensors.get(name);
      if (!tensor) return [];
      const layer = /\.layers\.(\d+)\./.exec(name);
      const at = layer ? Number(layer[1]) : layers - 1;
      return at >= from && at < to ? [{ tensor, offset, size }] : [];
    });
  }

  read(
    gradients: readonly (tf.Tensor | undefined)[],
    places: readonly Place[],
    vector: Float32Array,
  ): Promise<void>[] {
    return putAll(gradients, places, vector);
  }

  /** The input embedding's gradient: each token's is added to its row of the table, in the stream's order. */
  async addEmbedding(dx: tf.Tensor | undefined, ids: Int32Array, gradient: Float32Array): Promise<void> {
    const table = this.host.trained.find(({ name }) => name === EMBEDDING);
    if (table && dx) {
      // Untied, the table has no other gradient that would already be there.
      if (!this.host.config.tiedEmbeddings) gradient.fill(0, table.offset, table.offset + table.size);
      const d = this.host.config.hiddenSize;
      const values = (await dx.data()) as Float32Array;
      ids.forEach((id, i) => {
        const to = table.offset + id * d;
        for (let k = 0, from = i * d; k < d; k++) gradient[to + k]! += values[from + k]!;
      });
    }
    dx?.dispose();
  }

  /** Samples token by token, all requests in one batch where attention can tell them apart without a dense mask. */
  private async *generate(
    requests: readonly SampleRequest[],
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    const model = this.model(options.adapter ?? "on");
    const embedded = (ids: Int32Array): tf.Tensor2D => this.embedded(ids);
    if (readsRanges()) return yield* generate(model, embedded, requests, options);
    for (const [index, request] of requests.entries()) {
      for await (const token of generate(model, embedded, [request], options))
        yield { ...token, request: index };
    }
  }

  /** Puts the trained values on the backend unless these are the ones it has. */
  private sync(version: number): void {
    if (version === this.version) return;
    // `wasm` copies at once; other backends may keep the array that the optimiser will write to.
    const copies = tf.getBackend() === "wasm";
    const gpu = webgpuRuntime();
    for (const { name, shape, offset, size } of this.host.trained) {
      if (name === EMBEDDING && !this.host.config.tiedEmbeddings) continue;
      const values = this.host.vector.subarray(offset, offset + size);
      const there = this.tensors.get(name);
      if (gpu && there) {
        gpu.write(there, values);
        continue;
      }
      this.tensors.get(name)?.dispose();
      this.tensors.set(name, tf.keep(tf.tensor(copies ? values : values.slice(), [...shape])));
    }
    this.version = version;
  }
}

/** Writes the gradients of tensors to their places in the vector and frees them. On `webgpu` those that follow each other are read as one. */
function putAll(
  gradients: readonly (tf.Tensor | undefined)[],
  places: readonly Place[],
  gradient: Float32Array,
): Promise<void>[] {
  const gpu = webgpuRuntime();
  const together = places.every(
    ({ offset, size }, i) => gradients[i] && (places[i + 1]?.offset ?? offset + size) === offset + size,
  );
  if (!gpu || !together || places.length < 2) {
    return places.map(({ offset, size }, i) => put(gradient, offset, size, gradients[i]));
  }
  const first = places[0]!.offset;
  const size = places.reduce((sum, place) => sum + place.size, 0);
  const all = gpu.output([size]);
  places.forEach(({ offset }, i) => {
    copyInto(gpu, gradients[i]!, all, offset - first);
    gradients[i]!.dispose();
  });
  return [put(gradient, first, size, all)];
}

/** Writes the gradient of one tensor to its place in the vector and frees it; zeros where there is none. */
async function put(
  gradient: Float32Array,
  offset: number,
  size: number,
  of: tf.Tensor | undefined,
): Promise<void> {
  if (!of) {
    gradient.fill(0, offset, offset + size);
    return;
  }
  // On the heap of `wasm` the values can be copied directly to their place.
  const runtime = wasmRuntime();
  gradient.set(
    runtime ? runtime.floats(runtime.address(of), size) : ((await of.data()) as Float32Array),
    offset,
  );
  of.dispose();
}
