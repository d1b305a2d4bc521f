import * as tf from "@tensorflow/tfjs";
import type { KeysValues } from "../transformer.js";

/** Keys and values of every token so far, layer by layer: the prompts' first, then each step's new ones. */
export class KeyValueCache {
  private readonly layers: KeysValues[] = [];
  private count = 0;

  /** Tokens whose keys every layer has. */
  get length(): number {
    return this.count;
  }

  /** Puts new tokens behind the old ones and hands back all of them. */
  join(layer: number, fresh: KeysValues): KeysValues {
    const before = this.layers[layer];
    const all = before
      ? { k: tf.concat([before.k, fresh.k], 0), v: tf.concat([before.v, fresh.v], 0) }
      : { k: tf.clone(fresh.k), v: tf.clone(fresh.v) };
    tf.dispose([before?.k, before?.v]);
    this.layers[layer] = { k: tf.keep(all.k), v: tf.keep(all.v) };
    this.count = Math.max(this.count, all.k.shape[0]!);
    return all;
  }

  dispose(): void {
    for (const { k, v } of this.layers) tf.dispose([k, v]);
    this.layers.length = 0;
  }
}
