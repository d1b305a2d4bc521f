import type { PluginFlags } from "../common.js";

/** Command-line options of every kind of run. */
export interface TrainFlags extends PluginFlags {
  readonly out?: string;
  readonly seed?: number;
  /** Settings over the configuration, each `path=value`. */
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}
