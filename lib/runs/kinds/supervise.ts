/** Supervised runs as functions, for notebooks and tests: what the training loop reports, step by step and measurement by measurement. */
import { type Measured, measurementIn, type OpenOptions } from "../../imitation/index.js";
import type { Metrics } from "../training/loop.js";
import { RunFolder } from "../training/run-folder.js";
import type { OpenRun, RunKind } from "./kind.js";
import { trainOpened } from "./train.js";

export interface SupervisedOptions extends OpenOptions {
  readonly onMeasured?: (measured: Measured) => void;
  readonly signal?: AbortSignal;
  /** Go on from the last checkpoint where there is one. */
  readonly resume?: boolean;
}

/** How a supervised run ended. */
export interface SupervisedResult {
  readonly steps: number;
  /** Every measurement, oldest first. */
  readonly measured: readonly Measured[];
  /** True when a signal ended it: it can be gone on with. */
  readonly interrupted: boolean;
}

/** Trains in the kind's own folder. */
export async function superviseKind<Config extends object>(
  kind: RunKind<Config>,
  config: Config,
  { resume = false, signal, onMeasured }: SupervisedOptions,
  open: () => Promise<OpenRun>,
): Promise<SupervisedResult> {
  const { out } = kind.facts(config);
  const { iterations, finished } = await trainOpened(kind, config, open, {
    out,
    resume,
    signal,
    onIteration: ({ iteration, metrics }) => {
      const values = measurementIn(metrics);
      if (values) onMeasured?.({ step: iteration, values });
    },
  });
  const measured = new RunFolder(out).metrics<Metrics>().flatMap((metrics): Measured[] => {
    const values = measurementIn(metrics);
    return values ? [{ step: metrics["iteration"]!, values }] : [];
  });
  return { steps: iterations, measured, interrupted: !finished };
}
