import type { Agent } from "../../agents/index.js";
import type { Trainee } from "../../policy/index.js";
import type { Foundations } from "../../records/index.js";
import type { Environment } from "../../simulator/index.js";
import type { IterationClock } from "../training/clock.js";
import type { Metrics } from "../training/loop.js";

/** The settings of every run, whatever its kind. */
export interface RunFacts {
  /** Its family: records and agents are named by it. */
  readonly name: string;
  readonly seed: number;
  readonly iterations: number;
  /** The name of one iteration. */
  readonly unit: "iteration" | "step";
  /** Folder of the shop; null is the embedded one, undefined none. */
  readonly data: string | null | undefined;
  /** The run's default folder. */
  readonly out: string;
  /** Folder that the finished model is put into, beside the run's own. */
  readonly publish?: string;
}

/** A run that was opened for the training loop. */
export interface OpenRun {
  readonly trainee: Trainee<IterationClock>;
  readonly from: Foundations;
  readonly warn?: (history: readonly Metrics[]) => readonly string[];
}

/** How a run's model acts. */
export interface ActOptions {
  /** The agent's name. */
  readonly shownAs: string;
  /** The model's name in its settings. */
  readonly modelName: string;
  /** Ends the sentence when the folder holds no model. */
  readonly expected: string;
  readonly temperature?: number;
}

/**
 * A kind of run: one file here and one line in the registry. `aisle train`, sweeps, `aisle record` and `aisle evaluate` know no
 * more of it.
 */
export interface RunKind<Config extends object> {
  /** The `kind` of its configurations. */
  readonly kind: string;
  /** Checks a configuration's file and completes it. @throws InputError with what is wrong and where */
  parse(value: unknown, where: string): Config;
  /** A configuration's content with a place for its model, for kinds whose files name one: a sweep gives each run its own. */
  placed?(value: Readonly<Record<string, unknown>>, out: string): Readonly<Record<string, unknown>>;
  /** Checks a configuration as a run's folder or record keeps it. @throws InputError when it is not one of this version */
  resolved(value: unknown, where: string): Config;
  facts(config: Config): RunFacts;
  /**
   * Opens a run for the training loop.
   * @param environment the shop that `facts` names; null where it names none
   * @param out the run's folder
   * @throws InputError when model, shop or data do not fit
   */
  open(config: Config, environment: Environment | null, out: string): Promise<OpenRun>;
  /** The agent that a run's model is. @throws InputError when there is none in the folder */
  agentOf(config: Config, folder: string, options: ActOptions): Promise<Agent>;
  /** Further facts about a finished model, in lines. */
  examine?(config: Config, model: string): Promise<readonly string[]>;
  /** An iteration in a line, where no curves can be drawn. */
  lineOf(metrics: Metrics): string;
}
