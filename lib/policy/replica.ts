/** One copy of the policy on this thread's backend: it scores bundles and differentiates a loss over them. */
import * as tf from "@tensorflow/tfjs";
import {
  adaptWith,
  decoderLayer,
  type Dropout,
  EMBEDDING,
  finalNorm,
  headOf,
  type Model,
  readsRanges,
} from "../model/index.js";
import { evaluateLoss, type Loss, type LossValue, type TokenScores } from "../objective/index.js";
import { copyInto, Tape, wasmRuntime, webgpuRuntime } from "../tensor/index.js";
import { flattened, scored, Streams, unpacked, withStates } from "./batch.js";
import type { HostWeights } from "./host-weights.js";
import { inspect, type Inspection } from "./inspect.js";
import { type Bundle, pack, type Packed } from "./pack.js";
import { generate } from "./sampling/generate.js";
import type { SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";
import { type GradientOptions, type GradientResult, NotFinite, type ScoreOptions } from "./scores.js";

export class Replica {
  private readonly tensors = new Map<string, tf.Tensor>();
  private version = -1;

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

  /** Puts the trained values on the backend unless these are the ones it has. */
  sync(version: number): void {
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

  /** Log-probabilities and entropies of every scored token, completion after completion. */
  async score(bundles: readonly Bundle[], options: ScoreOptions = {}): Promise<TokenScores[]> {
    const packed = pack(bundles);
    const model = this.model(options.adapter ?? "on");
    const { logProbs, entropy, ...more } = tf.tidy(() => {
      const streams = new Streams(model, packed);
      let x: tf.Tensor = this.embedded(packed.ids);
      for (let layer = 0; layer < model.config.layers; layer++) {
        const next = tf.tidy(() => decoderLayer(model, layer, x, streams.of(layer)));
        x.dispose();
        x = next;
      }
      const hidden: { hidden?: tf.Tensor } = options.states ? { hidden: finalNorm(model, x) } : {}; // [Q, d]
      return { ...scored(model, packed, x, options.temperature), ...hidden };
    });
    const scores = unpacked(packed, await logProbs.data(), await entropy.data());
    const states = more.hidden && ((await more.hidden.data()) as Float32Array);
    tf.dispose([logProbs, entropy, more.hidden]);
    return states ? withStates(scores, packed, states, model.config.hiddenSize) : scores;
  }

  /** Samples token by token, all requests in one batch where attention can tell them apart without a dense mask. */
  async *generate(
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

  /** The model's probabilities after a text, and its attention weights. */
  inspect(ids: readonly number[], adapter: "on" | "off"): Promise<Inspection> {
    return inspect(this.model(adapter), (rows) => this.embedded(rows), ids);
  }

  /**
   * Writes the gradient of a loss over one micro-batch into `gradient`.
   * @param loss has a row for each completion, bundle after bundle
   * @param gradient like the host's trained vector
   * @throws NotFinite when the loss is not finite; OutOfMemory when there is no room, with nothing kept
   */
  async gradients(
    bundles: readonly Bundle[],
    loss: Loss,
    gradient: Float32Array,
    options: GradientOptions,
  ): Promise<GradientResult> {
    const packed = pack(bundles);
    const model = this.model("on", this.dropout(packed, options));
    const { layers } = model.config;
    const streams = new Streams(model, packed); // kept until the backward pass is done
    // inputs[s] enters stage s; every stage but the last is run without a tape now and recorded when its turn comes.
    const stages = options.checkpoint === "layer" ? layers : 1;
    const each = layers / stages;
    const run = (stage: number, input: tf.Tensor): tf.Tensor => {
      let x = input;
      for (let layer = stage * each; layer < (stage + 1) * each; layer++)
        x = decoderLayer(model, layer, x, streams.of(layer));
      return x;
    };
    const inputs: tf.Tensor[] = [];
    // Everything that is held between steps, so that it is freed also when one of them finds no room.
    const held: { tape?: Tape; outputs: tf.Tensor[] } = { outputs: [] };
    try {
      inputs.push(this.embedded(packed.ids));
      for (let stage = 0; stage < stages - 1; stage++) inputs.push(tf.tidy(() => run(stage, inputs[stage]!)));
      const trainHead = this.host.trained.some(({ name }) => this.tensors.get(name) === headOf(model));
      const last = Tape.record(() =>
        scored(model, packed, run(stages - 1, inputs[stages - 1]!), options.temperature, trainHead),
      );
      held.tape = last.tape;
      const { logProbs, entropy } = last.result;
      held.outputs = [logProbs, entropy];
      const scores = unpacked(packed, await logProbs.data(), await entropy.data());
      const from = performance.now();
      const value = evaluateLoss(loss, scores);
      const result = { scores, loss: value.loss, sums: value.sums, lossTime: performance.now() - from };
      if (!Number.isFinite(value.loss)) throw new NotFinite(`The loss is ${value.loss}.`);
      if (isZero(value)) {
        // The derivative by every score is zero (as for a group of equal returns), so the gradient is zero: no backward pass.
        gradient.fill(0);
        return result;
      }
      const dLogProbs = tf.tensor1d(flattened(packed, value.logProbGradients));
      held.outputs.push(dLogProbs);
      let heads: [tf.Tensor, tf.Tensor][] = [[logProbs, dLogProbs]];
      if (value.entropyGradients) {
        const dEntropy = tf.tensor1d(flattened(packed, value.entropyGradients));
        held.outputs.push(dEntropy);
        heads.push([entropy, dEntropy]);
      }
      const reads: Promise<void>[] = [];
      for (let stage = stages - 1; stage >= 0; stage--) {
        const input = inputs.pop()!;
        held.outputs.push(input);
        const trained = this.trainedIn(stage * each, (stage + 1) * each);
        const [dx, ...gradients] = held.tape.backward(heads, [input, ...trained.map(({ tensor }) => tensor)]);
        if (dx) held.outputs.push(dx);
        for (const [output, dy] of heads) tf.dispose([output, dy]);
        // Read while the earlier layers are computed: on a GPU a read waits for everything before it.
        reads.push(...putAll(gradient, trained, gradients));
        if (stage === 0) {
          await Promise.all(reads);
          await this.addEmbedding(gradient, packed, dx);
          break;
        }
        const before = Tape.record(() => run(stage - 1, inputs[stage - 1]!));
        input.dispose();
        held.tape = before.tape;
        held.outputs.push(before.result);
        heads = [[before.result, dx!]];
      }
      return result;
    } finally {
      held.tape?.dispose();
      tf.dispose([...held.outputs, ...inputs]);
      streams.dispose();
    }
  }

  /** Frees everything on the backend. */
  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
    this.version = -1;
  }

  private dropout(packed: Packed, { dropout }: GradientOptions): Dropout | undefined {
    const probability = this.host.adapter?.dropout ?? 0;
    if (!dropout || probability === 0) return undefined;
    const { names, firstBundle } = dropout;
    const rows = packed.bundles.map((bundle, b) => ({ ...bundle, name: firstBundle + b }));
    return { probability, names, rows };
  }

  /** Trained tensors used by layers `from` up to `to`; the final norm and the output belong to the last layer. */
  private trainedIn(from: number, to: number): { tensor: tf.Tensor; offset: number; size: number }[] {
    const { layers } = this.host.config;
    return this.host.trained.flatMap(({ name, offset, size }) => {
      const tensor = this.tensors.get(name);
      if (!tensor) return [];
      const layer = /\.layers\.(\d+)\./.exec(name);
      const at = layer ? Number(layer[1]) : layers - 1;
      return at >= from && at < to ? [{ tensor, offset, size }] : [];
    });
  }

  /** The input embedding's gradient: each token's is added to its row of the table, in the stream's order. */
  private async addEmbedding(
    gradient: Float32Array,
    packed: Packed,
    dx: tf.Tensor | undefined,
  ): Promise<void> {
    const table = this.host.trained.find(({ name }) => name === EMBEDDING);
    if (table && dx) {
      // Untied, the table has no other gradient that would already be there.
      if (!this.host.config.tiedEmbeddings) gradient.fill(0, table.offset, table.offset + table.size);
      const d = this.host.config.hiddenSize;
      const values = (await dx.data()) as Float32Array;
      packed.ids.forEach((id, i) => {
        const to = table.offset + id * d;
        for (let k = 0, from = i * d; k < d; k++) gradient[to + k]! += values[from + k]!;
      });
    }
    dx?.dispose();
  }
}

/** Whether the loss has no derivative by any score. */
function isZero({ logProbGradients, entropyGradients }: LossValue): boolean {
  return [...logProbGradients, ...(entropyGradients ?? [])].every((row) => row.every((v) => v === 0));
}

/** Writes the gradients of tensors to their places in the vector and frees them. On `webgpu` those that follow each other are read as one. */
function putAll(
  gradient: Float32Array,
  places: readonly { readonly offset: number; readonly size: number }[],
  gradients: readonly (tf.Tensor | undefined)[],
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
