/**
 * ARPO: an episode forks where the policy has become less sure since its first answer.
 *
 *   ΔH = H_t − H_0,   an episode forks after step t   iff   u − w·ΔH ≤ p,   u ~ U(0, 1)
 *
 * H is the mean entropy of an answer's first tokens over log(vocabulary). A goal begins with fewer episodes than its budget,
 * and forks until the budget is spent. Dong et al. 2025, arXiv:2507.19849, §3.1, as its code does it; there the entropy is a
 * sum over tokens, which makes long answers branch more.
 */
import { stream } from "../../base/index.js";

/** How episodes fork. */
export interface Branching {
  /** Episodes of a goal that begin at the start. */
  readonly initial: number;
  /** p: with no change of entropy, how often an episode forks after a step. ARPO's script: 0.5. */
  readonly probability: number;
  /** w, how much a rise of entropy adds; with 0 episodes fork at the base rate. ARPO's script: 0.2. */
  readonly entropyWeight: number;
}

/** The inputs of the decision to fork. */
export interface Branchable {
  /** Names its random stream. */
  readonly number: number;
  /** H after each of its steps. */
  readonly entropies: readonly number[];
}

/** Which of the episodes that just took a step fork: at most `room` of them, in their order, each at most once. */
export function branchesAfter<T extends Branchable>(
  stepped: readonly T[],
  room: number,
  { probability, entropyWeight }: Branching,
  { seed, name }: { readonly seed: number | string; readonly name: readonly (string | number)[] },
): T[] {
  return stepped
    .filter(({ number, entropies }) => {
      const rise = entropies[entropies.length - 1]! - entropies[0]!;
      const u = stream(seed, ...name, entropies.length, number).next();
      return u - entropyWeight * rise <= probability;
    })
    .slice(0, Math.max(0, room));
}
