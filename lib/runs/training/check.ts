/** Whether a run's folder is what it was when its last checkpoint was written. */
import { join } from "node:path";
import { InputError, requireSums } from "../../base/index.js";
import { RunFolder } from "./run-folder.js";

/**
 * Compares the checkpoint, the metrics and the best model of a run with their checksums.
 * @returns how far the run is, in words
 * @throws InputError naming the first file that is missing or was changed
 */
export async function checkRun(path: string): Promise<string> {
  const { checkedCheckpoint } = await import("../../policy/index.js");
  const run = new RunFolder(path);
  const progress = run.progress();
  if (!progress) throw new InputError(`${path} is no run: it has no progress.json.`);
  checkedCheckpoint(run.checkpointPath(progress.checkpoint));
  run.keptMetrics(progress);
  if (progress.best) requireSums(join(path, "best"), progress.best.files);
  return `checkpoint after iteration ${progress.iteration}`;
}
