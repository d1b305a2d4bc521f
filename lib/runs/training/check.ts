/** Whether a run's folder is what it was when its last checkpoint was written. */
import { InputError } from "../../base/index.js";
import { RunFolder } from "./run-folder.js";

/**
 * Compares a run's configuration, checkpoint, metrics and models with their checksums.
 * @returns how far the run is, in words
 * @throws InputError naming the first file that is missing or was changed
 */
export async function checkRun(path: string): Promise<string> {
  const { checkedCheckpoint } = await import("../../policy/index.js");
  const run = new RunFolder(path);
  const progress = run.progress();
  if (!progress) throw new InputError(`${path} is no run: it has no progress.json.`);
  checkedCheckpoint(run.checkpointPath(progress.checkpoint));
  run.requireWhole(progress);
  return `checkpoint after iteration ${progress.iteration}`;
}
