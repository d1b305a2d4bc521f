/** The time of an iteration's parts, and its memory. It varies from run to run and enters no metric. */
import * as tf from "@tensorflow/tfjs";
import type { Learner } from "../../grpo/index.js";

/** One line of `timing.jsonl`, in seconds and bytes. */
export interface IterationTimes {
  readonly rollout: number;
  /** Everything between the roll-outs and the next ones but evaluation; `score` and `algorithm` are parts of it. */
  readonly update: number;
  /** Log-probabilities other than the update's own: old ones before mini-batches, the reference's. */
  readonly score: number;
  /** Advantages, rows and the objective: what the algorithm costs beside the model. */
  readonly algorithm: number;
  readonly evaluate: number;
  /** Processor time of all threads: divided by the whole it says how many cores were busy. */
  readonly cpu: number;
  /** Resident bytes of the process at the end. */
  readonly rss: number;
  /** Tensors of this thread at the end. */
  readonly tensors: number;
}

/** Takes the times of one iteration. */
export class IterationClock {
  private readonly began = performance.now();
  private readonly cpu = process.cpuUsage();
  private sampled = 0;
  private updated = 0;
  private scoring = 0;
  private algorithm = 0;

  /** Called when the roll-outs are finished. */
  rolledOut(): void {
    this.sampled = performance.now();
  }

  /** Called when the update is finished. */
  learned(): void {
    this.updated = performance.now();
  }

  /** Counts a piece of the algorithm's own work. */
  ofAlgorithm<T>(work: () => T): T {
    const from = performance.now();
    try {
      return work();
    } finally {
      this.algorithm += performance.now() - from;
    }
  }

  /** The same learner, timed. */
  watch(learner: Learner): Learner {
    return {
      step: async (sequences, loss, options) => {
        const result = await learner.step(sequences, loss, options);
        this.algorithm += result.lossTime ?? 0;
        return result;
      },
      logProbs: async (sequences, options) => {
        const from = performance.now();
        const scores = await learner.logProbs(sequences, options);
        this.scoring += performance.now() - from;
        return scores;
      },
    };
  }

  /** Called at the iteration's end. */
  end(): IterationTimes {
    const { user, system } = process.cpuUsage(this.cpu);
    return {
      rollout: (this.sampled - this.began) / 1000,
      update: (this.updated - this.sampled) / 1000,
      score: this.scoring / 1000,
      algorithm: this.algorithm / 1000,
      evaluate: (performance.now() - this.updated) / 1000,
      cpu: (user + system) / 1e6,
      rss: process.memoryUsage().rss,
      tensors: tf.memory().numTensors,
    };
  }
}

/** A run's times, and fractions of the whole. */
export interface TimeSplit {
  readonly iterations: number;
  /** Seconds of an iteration, without evaluation. */
  readonly seconds: number;
  /** Fractions of those seconds; update is without scoring and the algorithm. */
  readonly rollout: number;
  readonly score: number;
  readonly update: number;
  readonly algorithm: number;
  /** Mean number of cores that were busy, evaluation included. */
  readonly cores: number;
  /** Resident bytes after the tenth iteration (or the last before it) and after the last; tensors likewise. */
  readonly rss: readonly [early: number, late: number];
  readonly tensors: readonly [early: number, late: number];
}

/** Sums a run's lines up; null where there is none. */
export function splitOf(lines: readonly IterationTimes[]): TimeSplit | null {
  const last = lines.at(-1);
  if (!last) return null;
  const early = lines[Math.min(9, lines.length - 1)]!;
  const sum = (of: (line: IterationTimes) => number): number =>
    lines.reduce((all, line) => all + of(line), 0);
  const whole = sum((line) => line.rollout + line.update);
  const [score, algorithm] = [sum((line) => line.score), sum((line) => line.algorithm)];
  return {
    iterations: lines.length,
    seconds: whole / lines.length,
    rollout: sum((line) => line.rollout) / whole,
    score: score / whole,
    update: (sum((line) => line.update) - score - algorithm) / whole,
    algorithm: algorithm / whole,
    cores: sum((line) => line.cpu) / (whole + sum((line) => line.evaluate)),
    rss: [early.rss, last.rss],
    tensors: [early.tensors, last.tensors],
  };
}

/** The split in a line of words. */
export function splitText(split: TimeSplit): string {
  const percent = (fraction: number): string => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return (
    `An iteration took ${split.seconds.toFixed(1)} s: roll-outs ${percent(split.rollout)}, scoring ${percent(split.score)}, ` +
    `update ${percent(split.update)}, advantages and objective ${percent(split.algorithm)}; ${split.cores.toFixed(1)} cores busy; ` +
    `memory ${megabytes(split.rss[0])} early, ${megabytes(split.rss[1])} at the end.`
  );
}
