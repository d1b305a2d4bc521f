import * as tf from "@tensorflow/tfjs";
import { wasmRuntime, type WasmRuntime } from "../backends/wasm/runtime.js";
import type { KeysValues } from "../transformer.js";

/** Room is made for so many times what is needed, so that tokens are moved to a larger place now and then, not at each step. */
const GROWTH = 1.5;

/**
 * Keys and values of every token so far, layer by layer: the prompts' first, then each step's new ones. On `wasm` they are written
 * behind the old ones where those stand; elsewhere tensors cannot be written to, and each step makes longer ones.
 */
export class KeyValueCache {
  private readonly layers: KeysValues[] = [];
  /** Tokens of each layer; its tensors may have room for more. */
  private readonly counts: number[] = [];
  private readonly runtime: WasmRuntime | undefined = wasmRuntime();

  /** Tokens whose keys every layer has. */
  get length(): number {
    return Math.max(0, ...this.counts);
  }

  /** Puts new tokens behind the old ones and hands back all of them; on `wasm` rows of no meaning may follow. */
  join(layer: number, fresh: KeysValues): KeysValues {
    const before = this.layers[layer];
    const count = this.counts[layer] ?? 0;
    const all = {
      k: this.appended(before?.k, count, fresh.k),
      v: this.appended(before?.v, count, fresh.v),
    };
    this.layers[layer] = all;
    this.counts[layer] = count + fresh.k.shape[0]!;
    return all;
  }

  dispose(): void {
    for (const { k, v } of this.layers) tf.dispose([k, v]);
    this.layers.length = this.counts.length = 0;
  }

  /** `before`'s first `count` rows and then `fresh`, in a tensor that is kept; `before` is used up. */
  private appended(before: tf.Tensor | undefined, count: number, fresh: tf.Tensor): tf.Tensor {
    const { runtime } = this;
    const all = count + fresh.shape[0]!;
    if (!runtime) {
      const joined = tf.keep(before ? tf.concat([before, fresh], 0) : tf.clone(fresh));
      before?.dispose();
      return joined;
    }
    let into = before;
    const row = fresh.size / fresh.shape[0]!;
    if (!into || into.shape[0]! < all) {
      into = tf.keep(runtime.output([Math.ceil(GROWTH * all), ...fresh.shape.slice(1)]));
      if (before) copyRows(runtime, before, into, 0, count * row);
      before?.dispose();
    }
    copyRows(runtime, fresh, into, count * row, fresh.size);
    return into;
  }
}

/** Copies the first `size` numbers of `from` to where `at` of `into` stand. */
function copyRows(runtime: WasmRuntime, from: tf.Tensor, into: tf.Tensor, at: number, size: number): void {
  const [source, target] = [runtime.address(from), runtime.address(into)];
  runtime.floats(target + 4 * at, size).set(runtime.floats(source, size));
}
