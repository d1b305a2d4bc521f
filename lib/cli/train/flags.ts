/** What every kind of run takes from the command line. */
export interface TrainFlags {
  readonly out?: string;
  readonly seed?: number;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}
