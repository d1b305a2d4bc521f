import * as tf from "@tensorflow/tfjs";

/** One tensor operation of ours with a hand-written gradient, known to the tape by its name. */
export interface OpDefinition<A> {
  readonly name: string;
  /** The result on any backend, made of tfjs operations. */
  readonly forward: (inputs: readonly tf.Tensor[], attrs: A) => tf.Tensor[];
  /** Which inputs (by position) and which outputs the backward pass needs. */
  readonly saveInputs?: readonly number[];
  readonly saveOutputs?: readonly boolean[];
  /**
   * One thunk for each input. A thunk runs only when that input is being trained, so a frozen weight costs nothing.
   * `saved` holds the inputs, then the outputs, that were asked for.
   */
  readonly backward: (
    dys: readonly tf.Tensor[],
    saved: readonly tf.Tensor[],
    attrs: A,
  ) => readonly (() => tf.Tensor)[];
}

/**
 * Gives tfjs an operation with a gradient. `tf.customGrad` would do for one output, but it evaluates the
 * gradient of every input, trained or not; a registered kernel does not.
 */
export function defineOp<A extends object>(
  definition: OpDefinition<A>,
): (inputs: readonly tf.Tensor[], attrs: A) => tf.Tensor[] {
  const { name, forward, backward } = definition;
  if (tf.getGradient(name) === undefined) {
    tf.registerGradient({
      kernelName: name,
      inputsToSave: (definition.saveInputs ?? []).map(String),
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
          const list = inputs.map((_, i) => named[String(i)] as tf.Tensor);
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
