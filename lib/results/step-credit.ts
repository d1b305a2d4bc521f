/** Whether a run's advantage has a step level: where it has, its metrics say how much that level had to say. */
export function hasStepCredit(metrics: readonly Readonly<Record<string, number>>[]): boolean {
  return metrics.some((m) => (m["adv_step/abs_mean"] ?? 0) > 0);
}
