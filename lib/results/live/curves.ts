/** Which curves a training run shows, and what is known of them so far. */

import type { Measured, StepReport } from "../../imitation/index.js";

/** One curve. */
export interface Curve {
  /** Its name in the metrics (docs/metrics.md). */
  readonly metric: string;
  readonly label: string;
  /** A second metric on the same scale, measured now and then on dev goals: shown as dots. */
  readonly dots?: string;
  /** The factor by which values are multiplied when they are shown, e.g. 100 for per cent. */
  readonly scale?: number;
  /** The factor of the dots. */
  readonly dotScale?: number;
  /** Decimals of the last value. */
  readonly digits: number;
}

/** Reinforcement learning: is it better, is it still exploring, how far has it moved. */
export const rlCurves: readonly Curve[] = [
  { metric: "return/mean", label: "mean return", dots: "dev/score", dotScale: 0.01, digits: 2 },
  { metric: "success_rate", label: "success, %", scale: 100, dots: "dev/success", digits: 1 },
  { metric: "entropy", label: "entropy, nats", digits: 2 },
  { metric: "kl_old/k3", label: "KL to the sampler", digits: 4 },
  { metric: "clip/frac", label: "clipped, %", scale: 100, digits: 1 },
  { metric: "grad_norm", label: "gradient norm", digits: 2 },
];

/** The same where the run has a reference: the distance from the start instead of that to the sampler. */
export const rlCurvesWithReference: readonly Curve[] = rlCurves.map((curve) =>
  curve.metric === "kl_old/k3" ? { ...curve, metric: "kl_ref", label: "KL to the start" } : curve,
);

/** Imitation and pretraining: the loss of each task per step, with dev losses as dots, and the gradient. */
export function lossCurves(tasks: readonly string[]): readonly Curve[] {
  const losses = tasks.map((task): Curve => ({
    metric: `loss/${task}`,
    label: `${task} loss, nats`,
    dots: `dev/${task}`,
    digits: 3,
  }));
  return [...losses, { metric: "grad_norm", label: "gradient norm", digits: 2 }];
}

/**
 * The curves of a configuration of any kind of run: those of its learner where it has one, else the loss of each of its tasks.
 * @param config checked and complete
 */
export function curvesOf(config: object): readonly Curve[] {
  if ("learner" in config) {
    const { objective } = config.learner as { readonly objective?: { readonly kl?: unknown } };
    return objective?.kl ? rlCurvesWithReference : rlCurves;
  }
  const { tasks = {}, phases = [] } = config as {
    readonly tasks?: Readonly<Record<string, { readonly share: number } | undefined>>;
    readonly phases?: readonly { readonly tasks: Readonly<Record<string, unknown>> }[];
  };
  const own = Object.entries(tasks).flatMap(([name, task]) => (task && task.share > 0 ? [name] : []));
  return lossCurves([...new Set([...own, ...phases.flatMap((phase) => Object.keys(phase.tasks))])].sort());
}

/** A step of imitation under the names of {@link lossCurves}. */
export function lossMetrics({ losses, gradNorm }: StepReport): Record<string, number> {
  const named = Object.entries(losses).map(([task, loss]) => [`loss/${task}`, loss] as const);
  return { ...Object.fromEntries(named), grad_norm: gradNorm };
}

/** A measurement of imitation under the names of {@link lossCurves}. */
export function devMetrics({ values }: Measured): Record<string, number> {
  const named = Object.entries(values).map(
    ([name, loss]) => [`dev/${name.replace(/Loss$/, "")}`, loss] as const,
  );
  return Object.fromEntries(named);
}

/** All metrics of a run so far. */
export class CurveHistory {
  readonly lines = new Map<string, { step: number; value: number }[]>();
  readonly dots = new Map<string, { step: number; value: number }[]>();
  /** The last step with metrics. */
  step = 0;

  constructor(readonly curves: readonly Curve[]) {}

  /** Takes the metrics of a step; what is not among them has no point there. */
  add(step: number, metrics: Readonly<Record<string, number>>): void {
    this.step = Math.max(this.step, step);
    const put = (into: CurveHistory["lines"], curve: Curve, value: number | undefined, scale = 1): void => {
      if (value === undefined || !Number.isFinite(value)) return;
      const points = into.get(curve.metric) ?? [];
      points.push({ step, value: scale * value });
      into.set(curve.metric, points);
    };
    for (const curve of this.curves) {
      put(this.lines, curve, metrics[curve.metric], curve.scale);
      if (curve.dots !== undefined) put(this.dots, curve, metrics[curve.dots], curve.dotScale);
    }
  }
}

/** Steps that the thick line averages over: one batch says little. */
export const SMOOTHED_OVER = 10;

/** Trailing means of points over `window`. */
export function smoothed(
  points: readonly { readonly step: number; readonly value: number }[],
  window = SMOOTHED_OVER,
): { step: number; value: number }[] {
  let sum = 0;
  return points.map(({ step, value }, i) => {
    sum += value - (i >= window ? points[i - window]!.value : 0);
    return { step, value: sum / Math.min(i + 1, window) };
  });
}
