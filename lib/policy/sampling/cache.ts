import * as tf from "@tensorflow/tfjs";
import { copyInto } from "../backends/webgpu/elementwise.js";
import { webgpuRuntime, type WebgpuRuntime } from "../backends/webgpu/runtime.js";
import type { KeysValues } from "../transformer.js";

/** On `webgpu` room is made for this many tokens at a time: a buffer of a new size for each token would fill the card. */
const STEP = 256;

/** Keys and values of every token so far, layer by layer: the prompts' first, then each step's new ones. */
export class KeyValueCache {
  private readonly layers: KeysValues[] = [];
  private count = 0;
  /** Tokens that each layer has; on `webgpu`, where there is room for more. */
  private readonly filled: number[] = [];

  /** Tokens whose keys every layer has. */
  get length(): number {
    return this.count;
  }

  /** Puts new tokens behind the old ones and hands back all of them. */
  join(layer: number, fresh: KeysValues): KeysValues {
    const before = this.layers[layer];
    const card = webgpuRuntime();
    if (card) return this.append(layer, fresh, card);
    const all = before
      ? { k: tf.concat([before.k, fresh.k], 0), v: tf.concat([before.v, fresh.v], 0) }
      : { k: tf.clone(fresh.k), v: tf.clone(fresh.v) };
    tf.dispose([before?.k, before?.v]);
    this.layers[layer] = { k: tf.keep(all.k), v: tf.keep(all.v) };
    this.count = Math.max(this.count, all.k.shape[0]!);
    return all;
  }

  /** Writes the new tokens behind the old ones in place; hands out views of as much as is filled. */
  private append(layer: number, fresh: KeysValues, card: WebgpuRuntime): KeysValues {
    const [added, ...row] = fresh.k.shape as [number, number, number];
    const width = row[0] * row[1];
    const start = this.filled[layer] ?? 0;
    const length = start + added;
    const before = this.layers[layer];
    const grown = (old: tf.Tensor | undefined, more: tf.Tensor): tf.Tensor => {
      let whole = old;
      if (whole === undefined || whole.shape[0]! < length) {
        whole = tf.keep(card.output([Math.ceil(length / STEP) * STEP, ...row]));
        if (old !== undefined) copyInto(card, card.view(old, [start, ...row]), whole, 0);
        old?.dispose();
      }
      copyInto(card, more, whole, start * width);
      return whole;
    };
    const [k, v] = [grown(before?.k, fresh.k), grown(before?.v, fresh.v)];
    this.layers[layer] = { k, v };
    this.filled[layer] = length;
    this.count = Math.max(this.count, length);
    return { k: card.view(k, [length, ...row]), v: card.view(v, [length, ...row]) };
  }

  dispose(): void {
    for (const { k, v } of this.layers) tf.dispose([k, v]);
    this.layers.length = 0;
  }
}
