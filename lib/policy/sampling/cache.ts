import * as tf from "@tensorflow/tfjs";
import {
  copyInto,
  wasmRuntime,
  type WasmRuntime,
  webgpuRuntime,
  type WebgpuRuntime,
} from "../../tensor/index.js";
import type { KeysValues } from "../../model/index.js";

/** On `wasm` room is made for so many times what is needed, so that tokens are moved to a larger place now and then, not at each step. */
const GROWTH = 1.5;
/** On `webgpu` room is made for this many tokens at a time: a buffer of a new size for each token would fill the gpu. */
const STEP = 256;

/**
 * Keys and values of every token so far, layer by layer: the prompts' first, then each step's new ones. On `wasm` and `webgpu` they are
 * written behind the old ones where those stand; elsewhere tensors cannot be written to, and each step makes longer ones.
 */
export class KeyValueCache {
  private readonly layers: KeysValues[] = [];
  /** Tokens of each layer; its tensors may have room for more. */
  private readonly counts: number[] = [];
  private readonly heap: WasmRuntime | undefined = wasmRuntime();
  private readonly gpu: WebgpuRuntime | undefined = webgpuRuntime();

  /** Tokens whose keys every layer has. */
  get length(): number {
    return Math.max(0, ...this.counts);
  }

  /** Puts new tokens behind the old ones and hands back all of them; on `wasm` rows of no meaning may follow. */
  join(layer: number, fresh: KeysValues): KeysValues {
    const before = this.layers[layer];
    const count = this.counts[layer] ?? 0;
    const k = this.appended(before?.k, count, fresh.k);
    this.layers[layer] = { k, v: before?.v ?? k }; // known also when there is no room for the values
    const all = { k, v: this.appended(before?.v, count, fresh.v) };
    this.layers[layer] = all;
    const length = count + fresh.k.shape[0]!;
    this.counts[layer] = length;
    const { gpu } = this;
    if (!gpu) return all;
    const filled = (whole: tf.Tensor): tf.Tensor => gpu.view(whole, [length, ...whole.shape.slice(1)]);
    return { k: filled(all.k), v: filled(all.v) };
  }

  dispose(): void {
    for (const { k, v } of this.layers) tf.dispose([k, v]);
    this.layers.length = this.counts.length = 0;
  }

  /** `before`'s first `count` rows and then `fresh`, in a tensor that is kept; `before` is used up. */
  private appended(before: tf.Tensor | undefined, count: number, fresh: tf.Tensor): tf.Tensor {
    const { heap, gpu } = this;
    const all = count + fresh.shape[0]!;
    const row = fresh.shape.slice(1);
    const width = fresh.size / fresh.shape[0]!;
    if (heap) {
      let into = before;
      if (!into || into.shape[0]! < all) {
        into = tf.keep(heap.output([Math.ceil(GROWTH * all), ...row]));
        if (before) copyRows(heap, before, into, 0, count * width);
        before?.dispose();
      }
      copyRows(heap, fresh, into, count * width, fresh.size);
      return into;
    }
    if (gpu) {
      let into = before;
      if (!into || into.shape[0]! < all) {
        into = tf.keep(gpu.output([Math.ceil(all / STEP) * STEP, ...row]));
        if (before) copyInto(gpu, gpu.view(before, [count, ...row]), into, 0);
        before?.dispose();
      }
      copyInto(gpu, fresh, into, count * width);
      return into;
    }
    const joined = tf.keep(before ? tf.concat([before, fresh], 0) : tf.clone(fresh));
    before?.dispose();
    return joined;
  }
}

/** Copies the first `size` numbers of `from` to where `at` of `into` stand. */
function copyRows(heap: WasmRuntime, from: tf.Tensor, into: tf.Tensor, at: number, size: number): void {
  const [source, target] = [heap.address(from), heap.address(into)];
  heap.floats(target + 4 * at, size).set(heap.floats(source, size));
}
