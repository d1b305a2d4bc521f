/** Early warnings in words: what the curves say before a run has failed. */
import { mean } from "./advantages/index.js";
import type { Metrics } from "./types.js";

/** How many iterations a trend is read from. */
const WINDOW = 10;

/**
 * The warnings that a run's metrics so far call for, most urgent first; none while all is well.
 * @param history one entry for each iteration, oldest first.
 */
export function warnings(history: readonly Metrics[]): string[] {
  const last = history.at(-1);
  if (!last) return [];
  const first = history[0]!;
  const recent = history.slice(-WINDOW);
  const found: string[] = [];
  const at = (metrics: Metrics, name: string): number => metrics[name] ?? NaN;
  if (at(last, "ratio/max") > 20) {
    found.push(
      `The largest importance ratio is ${at(last, "ratio/max").toFixed(1)}: the policy has left its roll-outs behind; ` +
        `lower the learning rate or take fewer steps on one set.`,
    );
  }
  if (history.length >= WINDOW && at(last, "entropy") < 0.1 * at(first, "entropy")) {
    found.push(
      `Entropy fell from ${at(first, "entropy").toFixed(3)} to ${at(last, "entropy").toFixed(3)} nats a token: ` +
        `the policy hardly explores any more; raise the temperature, the entropy bonus or the KL term.`,
    );
  }
  if (recent.length >= 3 && recent.slice(-3).every((m) => at(m, "frac_zero_std") >= 1)) {
    found.push(
      "In the last three iterations every group had equal returns: nothing is learnt; " +
        "choose harder or easier goals, larger groups, or a partial reward.",
    );
  }
  if (history.length >= 2 * WINDOW) {
    const before = history.slice(-2 * WINDOW, -WINDOW);
    const change = (name: string): number =>
      mean(recent.map((m) => at(m, name))) - mean(before.map((m) => at(m, name)));
    const margin = at(last, "return/std") / Math.sqrt(WINDOW);
    if (change("return/mean") > margin && change("success_rate") <= 0) {
      found.push(
        "The return rises while success does not: the policy collects partial credit; look at its purchases, " +
          "or reward success only.",
      );
    }
  }
  return found;
}
