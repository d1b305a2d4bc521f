/**
 * A loss is plain data: its kind, its settings, and a row of numbers for each sequence. It can be sent to a worker thread, written
 * to a file and read there, and whoever differentiates the model never learns which algorithm it belongs to.
 */
import type { TokenScores } from "./sequence.js";

/** A loss over some sequences. */
export interface Loss<Kind extends string = string, Settings = unknown, Row = unknown> {
  readonly kind: Kind;
  readonly settings: Settings;
  /**
   * One for each sequence, in their order. Denominators are in it already (each row's weight in the whole mini-batch), so that the loss
   * of some of the sequences is the loss of their rows.
   */
  readonly rows: readonly Row[];
}

/** The value and derivatives of a loss on some sequences. */
export interface LossValue {
  readonly loss: number;
  /** dL/d log π of each token. `[row][token]` */
  readonly logProbGradients: readonly (readonly number[])[];
  /** dL/dH of each token; absent when the loss does not depend on the entropies. `[row][token]` */
  readonly entropyGradients?: readonly (readonly number[])[];
  /** Sums over tokens for the metrics. */
  readonly sums?: Readonly<Record<string, number>>;
}

/** A kind of loss: its name, and how it is evaluated. */
export interface LossKind<L extends Loss = Loss> {
  readonly kind: L["kind"];
  /**
   * @param scores of the sequences in the order of the loss's rows
   * @throws RunError when a value is not finite: the caller stops and keeps the batch
   */
  evaluate(loss: L, scores: readonly TokenScores[]): LossValue;
}
