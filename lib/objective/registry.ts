/** Kinds of loss by their name. A new one is a file of its own and a line here. */
import { InputError, sharedRegistry } from "../base/index.js";
import { crossEntropy } from "./cross-entropy.js";
import type { Loss, LossKind, LossValue } from "./loss.js";
import { policyGradient } from "./policy-gradient.js";
import type { TokenScores } from "./sequence.js";

interface Known {
  readonly kind: LossKind;
  readonly module?: string;
}

const known = sharedRegistry<Known>("losses", () =>
  [policyGradient, crossEntropy].map((kind) => [kind.kind, { kind: kind as unknown as LossKind }]),
);

/**
 * Makes a kind of loss known by its name.
 * @param module the URL of the file that registers it (`import.meta.url`): worker threads load it before they evaluate such a loss
 * @throws InputError for a name that is taken by another file
 */
export function registerLoss<L extends Loss>(kind: LossKind<L>, module?: string): void {
  const there = known.get(kind.kind);
  if (there && (module === undefined || there.module !== module))
    throw new InputError(`There is a loss "${kind.kind}" already.`);
  known.set(kind.kind, { kind: kind as unknown as LossKind, ...(module === undefined ? {} : { module }) });
}

/** The file that a worker thread has to load for a kind of loss; undefined for those of this library. */
export function moduleOf(loss: Loss): string | undefined {
  return named(loss).module;
}

/** Evaluates a loss by its kind. @throws InputError for a kind that is not registered */
export function evaluateLoss(loss: Loss, scores: readonly TokenScores[]): LossValue {
  return named(loss).kind.evaluate(loss, scores);
}

/** The loss of some of the sequences. `which` are their positions. */
export function partOf<L extends Loss>(loss: L, which: readonly number[]): L {
  return { ...loss, rows: which.map((i) => loss.rows[i]) };
}

function named({ kind }: Loss): Known {
  const found = known.get(kind);
  if (found) return found;
  throw new InputError(`There is no loss "${kind}"; there are ${[...known.keys()].join(", ")}.`);
}
