/**
 * A critic: the return to expect from a decision's state, as a linear function of the policy's own last hidden state.
 *
 *   V(s) = w · h(s) + b,   loss = ½ max( (V − R)², (clip(V, V_old − c, V_old + c) − R)² )
 *
 * h is the state just before the first token of the answer, and is a constant here: no gradient of the critic's loss goes into
 * the policy. Schulman et al. 2017, arXiv:1707.06347, §5; the clipped loss as in verl.
 */
import { InputError } from "../base/index.js";

/** How a critic learns from one iteration. */
export interface ValueOptions {
  /** Of Adam, for a weight: a step moves a value by up to `learningRate` times the sum of |h|. */
  readonly learningRate: number;
  /** Steps of Adam on all decisions of the iteration. */
  readonly epochs: number;
  /** c, how far a value may move from what it was when the iteration began; null does not bound it. */
  readonly clip: number | null;
}

/** The whole state of a critic: continued from it, learning gives the same numbers. */
export interface ValueHeadState {
  /** w, then b. `[d + 1]` */
  readonly weights: readonly number[];
  /** Adam's moments. `[d + 1]` */
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly steps: number;
}

/** One value's loss and its derivative by the value. At the clip the derivative is 0. */
export function valueLoss(
  value: number,
  old: number,
  target: number,
  clip: number | null,
): { readonly loss: number; readonly gradient: number } {
  const free = value - target;
  if (clip === null) return { loss: (free * free) / 2, gradient: free };
  const bounded = Math.min(old + clip, Math.max(old - clip, value));
  const held = bounded - target;
  if (free * free >= held * held) return { loss: (free * free) / 2, gradient: free };
  // The bounded loss is the larger one only where the value is beyond its bound.
  return { loss: (held * held) / 2, gradient: 0 };
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** A linear critic and its optimiser. */
export class ValueHead {
  private constructor(
    private readonly weights: Float64Array,
    private readonly first: Float64Array,
    private readonly second: Float64Array,
    private steps: number,
  ) {}

  /** A critic whose values are all 0, for states of `d` numbers. */
  static fresh(d: number): ValueHead {
    return new ValueHead(new Float64Array(d + 1), new Float64Array(d + 1), new Float64Array(d + 1), 0);
  }

  /** @throws InputError when the state is not one of a critic. */
  static from({ weights, first, second, steps }: ValueHeadState): ValueHead {
    const size = weights.length;
    const whole = [weights, first, second].every(
      (list) => list.length === size && list.every(Number.isFinite),
    );
    if (!whole || size < 2 || !Number.isInteger(steps)) {
      throw new InputError("This is not the state of a value head.");
    }
    return new ValueHead(
      Float64Array.from(weights),
      Float64Array.from(first),
      Float64Array.from(second),
      steps,
    );
  }

  get state(): ValueHeadState {
    const { weights, first, second, steps } = this;
    return { weights: [...weights], first: [...first], second: [...second], steps };
  }

  /** V of each state. `[n][d] → [n]` */
  values(states: readonly (readonly number[])[]): number[] {
    const d = this.weights.length - 1;
    return states.map((state) => {
      if (state.length !== d) throw new RangeError(`A state has ${state.length} numbers, not ${d}.`);
      let value = this.weights[d]!;
      for (let k = 0; k < d; k++) value += this.weights[k]! * state[k]!;
      return value;
    });
  }

  /** Mean loss over some states and its gradient by w and b. */
  gradient(
    states: readonly (readonly number[])[],
    old: readonly number[],
    targets: readonly number[],
    clip: number | null,
  ): { readonly loss: number; readonly gradient: Float64Array } {
    const d = this.weights.length - 1;
    const gradient = new Float64Array(d + 1);
    let total = 0;
    this.values(states).forEach((value, i) => {
      const { loss, gradient: byValue } = valueLoss(value, old[i]!, targets[i]!, clip);
      total += loss / states.length;
      for (let k = 0; k < d; k++) gradient[k]! += (byValue * states[i]![k]!) / states.length;
      gradient[d]! += byValue / states.length;
    });
    return { loss: total, gradient };
  }

  /** Learns the targets of an iteration; returns the loss before the first step. */
  learn(
    states: readonly (readonly number[])[],
    targets: readonly number[],
    { learningRate, epochs, clip }: ValueOptions,
  ): number {
    const old = this.values(states);
    let before = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const { loss, gradient } = this.gradient(states, old, targets, clip);
      if (epoch === 0) before = loss;
      this.steps += 1;
      const [c1, c2] = [1 - BETA1 ** this.steps, 1 - BETA2 ** this.steps];
      gradient.forEach((g, k) => {
        this.first[k] = BETA1 * this.first[k]! + (1 - BETA1) * g;
        this.second[k] = BETA2 * this.second[k]! + (1 - BETA2) * g * g;
        this.weights[k]! -=
          (learningRate * (this.first[k]! / c1)) / (Math.sqrt(this.second[k]! / c2) + EPSILON);
      });
    }
    return before;
  }
}
