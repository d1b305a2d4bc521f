import type { Trainer } from "./trainer.js";

/** Numbers by name. */
type Metrics = Readonly<Record<string, number>>;

/**
 * The interface between a kind of run and the training loop: one iteration, a measurement on goals that are not trained on, and how to save. The
 * loop does the rest, the same for all kinds: metrics, checkpoints, the best model, going on, stopping.
 * @typeParam Clock what takes the times within an iteration, for kinds that part them
 */
export interface Trainee<Clock = unknown> {
  readonly trainer: Trainer;
  readonly iterations: number;
  /** Learns once, from iteration 1 on. What it does is a function of the configuration, the weights and the number alone. */
  iterate(iteration: number, clock: Clock): Promise<Metrics>;
  /** Measures the policy as it is; its names begin with `dev/`. */
  measure(): Promise<Metrics>;
  /** Measured after every so many iterations and after the last, and before the first where `measuresFirst`. */
  readonly measureEvery: number;
  readonly measuresFirst: boolean;
  readonly checkpointEvery: number;
  /** How good a measurement is, the larger the better; without it there is no best model. */
  quality?(measured: Metrics): number;
  /** Which model the run is for. */
  readonly result: "last" | "best";
  /** Measurements without a better one after which the run ends; null never ends it before its last iteration. */
  readonly patience?: number | null;
  /** Saves the model in Hugging Face's layout. */
  save(folder: string): void;
  /** Further files that a checkpoint needs to go on, by name. */
  state?(): ReadonlyMap<string, string>;
  /** Puts them back, from a checkpoint's folder. @throws InputError when they do not fit */
  restore?(checkpoint: string): void;
  dispose(): Promise<void>;
}
