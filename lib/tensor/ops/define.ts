import * as tf from "@tensorflow/tfjs";
import { wasmRuntime, type WasmRuntime } from "../backends/wasm/runtime.js";
import { webgpuRuntime, type WebgpuRuntime } from "../backends/webgpu/runtime.js";

/** One implementation of an operation and its gradient. */
export interface OpImplementation<A, R> {
  /** The outputs. What it makes on the way, it may leave: the call is tidied. */
  readonly forward: (inputs: readonly tf.Tensor[], attrs: A, runtime: R) => tf.Tensor[];
  /**
   * One thunk for each input. A thunk runs only when that input is being trained, so a frozen weight costs nothing; what several
   * inputs need is computed before. `saved` holds the inputs, then the outputs, that the definition asks for.
   */
  readonly backward: (
    dys: readonly tf.Tensor[],
    saved: readonly tf.Tensor[],
    attrs: A,
    runtime: R,
  ) => readonly (() => tf.Tensor)[];
}

/** An operation with a hand-written gradient, known to the tape by its name. */
export interface OpDefinition<A> {
  readonly name: string;
  /** Which inputs (by position) and which outputs the backward pass needs. */
  readonly saveInputs: readonly number[];
  readonly saveOutputs?: readonly boolean[];
  /** On the heap of `wasm` and `native`. */
  readonly fused?: OpImplementation<A, WasmRuntime>;
  /** On `webgpu`. */
  readonly gpu?: OpImplementation<A, WebgpuRuntime>;
  /** On any backend, made of tfjs operations. */
  readonly composed?: OpImplementation<A, undefined>;
}

/**
 * Gives tfjs an operation with a gradient. `tf.customGrad` would do for one output, but it evaluates the
 * gradient of every input, trained or not; a registered kernel does not.
 * @returns the operation; it may be called on a backend for which it has an implementation
 */
export function defineOp<A extends object>(
  definition: OpDefinition<A>,
): (inputs: readonly tf.Tensor[], attrs: A) => tf.Tensor[] {
  const { name, fused, gpu, composed } = definition;

  const forward = (inputs: readonly tf.Tensor[], attrs: A): tf.Tensor[] => {
    const runtime = wasmRuntime();
    if (runtime !== undefined && fused !== undefined) return fused.forward(inputs, attrs, runtime);
    const webgpu = webgpuRuntime();
    if (webgpu !== undefined && gpu !== undefined) return gpu.forward(inputs, attrs, webgpu);
    return composed!.forward(inputs, attrs, undefined);
  };
  const backward = (
    dys: readonly tf.Tensor[],
    saved: readonly tf.Tensor[],
    attrs: A,
  ): readonly (() => tf.Tensor)[] => {
    const runtime = wasmRuntime();
    if (runtime !== undefined && fused !== undefined) return fused.backward(dys, saved, attrs, runtime);
    const webgpu = webgpuRuntime();
    if (webgpu !== undefined && gpu !== undefined) return gpu.backward(dys, saved, attrs, webgpu);
    return composed!.backward(dys, saved, attrs, undefined);
  };

  if (tf.getGradient(name) === undefined) {
    tf.registerGradient({
      kernelName: name,
      inputsToSave: definition.saveInputs.map(String),
      ...(definition.saveOutputs === undefined ? {} : { outputsToSave: [...definition.saveOutputs] }),
      gradFunc: (dy, saved, attrs) => {
        const thunks = backward(Array.isArray(dy) ? dy : [dy], saved, attrs as unknown as A);
        return Object.fromEntries(thunks.map((thunk, i) => [String(i), thunk]));
      },
    });
  }
  return (inputs, attrs) => {
    const backendName = tf.getBackend();
    if (tf.getKernel(name, backendName) === undefined) {
      tf.registerKernel({
        kernelName: name,
        backendName,
        kernelFunc: ({ inputs: named, attrs: given }) => {
          const list = Object.keys(named).map((_, i) => named[String(i)] as tf.Tensor);
          return tf.tidy(() => forward(list, given as unknown as A));
        },
      });
    }
    const named = Object.fromEntries(inputs.map((input, i) => [String(i), input]));
    const out: tf.Tensor | tf.Tensor[] = tf
      .engine()
      .runKernel(name, named, attrs as unknown as tf.NamedAttrMap);
    return Array.isArray(out) ? out : [out];
  };
}

/** Whether the backend in use has kernels of our own, on the heap of `wasm` or on the GPU. */
export function ownKernels(): boolean {
  return wasmRuntime() !== undefined || webgpuRuntime() !== undefined;
}

/** The first output; the others, which only the tape needed (it holds its own references), are let go. */
export function firstOf(outputs: readonly tf.Tensor[]): tf.Tensor {
  for (const extra of outputs.slice(1)) extra.dispose();
  return outputs[0]!;
}
