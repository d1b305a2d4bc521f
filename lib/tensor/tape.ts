import * as tf from "@tensorflow/tfjs";

/** A recorded operation, as tfjs keeps it (`tape.ts` of tfjs-core; the type is not exported). */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Record<string, tf.Tensor>;
  readonly outputs: readonly tf.Tensor[];
  readonly gradient?: (dys: (tf.Tensor | undefined)[]) => Record<string, () => tf.Tensor>;
  readonly saved?: readonly tf.Tensor[];
}

/**
 * A forward pass that can be differentiated later. `tf.grads` wants to know what multiplies the gradient before the
 * forward pass has run; an objective knows only after the log-probabilities have been read, which on `webgpu` takes
 * an `await`. So we record with tfjs's own tape, keep it, and go through it ourselves; doing so we also free each saved
 * tensor as soon as its operation is done instead of at the end, which lowers the peak.
 */
export class Tape {
  private constructor(private nodes: TapeNode[]) {}

  /** Runs `forward` and records it. The result's tensors are the caller's to dispose, and so is the tape. */
  static record<T extends tf.TensorContainer>(forward: () => T): { result: T; tape: Tape } {
    const { state } = tf.engine();
    if (state.gradientDepth > 0) throw new Error("A tape cannot be recorded inside another gradient.");
    const recorded: TapeNode[] = [];
    state.activeTape = recorded as unknown as typeof state.activeTape;
    state.gradientDepth = 1;
    let done = false;
    try {
      const result = tf.tidy(forward);
      done = true;
      return { result, tape: new Tape(recorded) };
    } finally {
      state.gradientDepth = 0;
      state.activeTape = null as unknown as typeof state.activeTape;
      if (!done) new Tape(recorded).dispose();
    }
  }

  /**
   * Gradients of `Σ ⟨output, dy⟩` with respect to `inputs`; the tape is used up.
   * @param outputs results of the recorded pass, each with what multiplies it
   * @returns one new tensor for each input, `undefined` where the outputs do not depend on it
   */
  backward(
    outputs: readonly (readonly [output: tf.Tensor, dy: tf.Tensor])[],
    inputs: readonly tf.Tensor[],
  ): (tf.Tensor | undefined)[] {
    const wanted = new Set(inputs.map(({ id }) => id));
    const relevant = new Set(wanted);
    for (const { inputs: used, outputs: made } of this.nodes) {
      if (Object.values(used).some(({ id }) => relevant.has(id))) for (const { id } of made) relevant.add(id);
    }
    const gradients = new Map<number, tf.Tensor>();
    const add = (id: number, dx: tf.Tensor): void => {
      const before = gradients.get(id);
      gradients.set(id, before === undefined ? dx : tf.add(before, dx));
      if (before === undefined) return;
      before.dispose();
      dx.dispose();
    };
    for (const [output, dy] of outputs) add(output.id, dy.clone());
    const { nodes } = this;
    try {
      while (nodes.length > 0) {
        const node = nodes.at(-1)!;
        const names = Object.keys(node.inputs).filter((name) => relevant.has(node.inputs[name]!.id));
        const dys = node.outputs.map(({ id }) => gradients.get(id));
        if (names.length > 0 && dys.some((dy) => dy !== undefined)) {
          if (!node.gradient) throw new Error(`${node.kernelName} has no gradient.`);
          // Everything inside the tidy: an operation may compute what several inputs need before it is asked for one,
          // and tfjs makes zeros for the outputs that have no gradient.
          const dxs = tf.tidy(() => {
            const thunks = node.gradient!(dys);
            return names.map((name) => thunks[name]!());
          });
          names.forEach((name, i) => add(node.inputs[name]!.id, dxs[i]!));
        }
        for (const { id } of node.outputs) {
          if (wanted.has(id)) continue;
          gradients.get(id)?.dispose();
          gradients.delete(id);
        }
        for (const tensor of node.saved ?? []) tensor.dispose();
        nodes.pop();
      }
    } catch (error) {
      // No room for a gradient, say: nothing of the pass is left behind.
      for (const gradient of gradients.values()) gradient.dispose();
      this.dispose();
      throw error;
    }
    const results = inputs.map(({ id }) => gradients.get(id));
    for (const [id, gradient] of gradients) if (!wanted.has(id)) gradient.dispose();
    return results;
  }

  /** Frees what was kept for a backward pass that will not come. */
  dispose(): void {
    for (const { saved } of this.nodes) for (const tensor of saved ?? []) tensor.dispose();
    this.nodes = [];
  }
}
