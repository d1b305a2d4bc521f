import type { Trainer } from "../policy/index.js";
import type { PretrainConfig } from "./config.js";
import type { StepReport } from "./steps.js";

/** Options of both kinds of run beside their configuration. */
export interface OpenOptions {
  /** Worker threads; the number changes no bit of the result. Default 0. */
  readonly workers?: number;
  /** Where shops of other seeds are kept. */
  readonly cache?: string;
  /** Called after each step. */
  readonly onStep?: ((report: StepReport) => void) | undefined;
}

/** A trainer's options, from a configuration. */
export function trainerOptions(
  { optimizer, seed }: Pick<PretrainConfig, "optimizer" | "seed">,
  steps: number,
): ConstructorParameters<typeof Trainer>[1] {
  const { warmUp, schedule, floor, ...rest } = optimizer;
  return { ...rest, seed, schedule: { kind: schedule, warmUp, steps, floor } };
}
