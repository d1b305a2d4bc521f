/**
 * A kernel whose starter was killed without a word would stay for ever. A thread of its own looks every second, so that even a
 * kernel in a loop that never waits goes away. Jupyter names the starter in JPY_PARENT_PID; without it nothing is watched.
 */
import { Worker } from "node:worker_threads";

const WATCH = `
const { workerData } = require("node:worker_threads");
const gone = () => {
  if (workerData.child && process.ppid !== workerData.parent) return true;
  try { process.kill(workerData.parent, 0); return false; } catch (error) { return error.code === "ESRCH"; }
};
setInterval(() => { if (gone()) process.kill(process.pid, "SIGKILL"); }, 1000);
`;

/** Starts the watch when the starter is known. */
export function watchParent(): void {
  const parent = Number(process.env["JPY_PARENT_PID"]);
  if (!Number.isInteger(parent) || parent <= 1) return;
  const watcher = new Worker(WATCH, {
    eval: true,
    execArgv: [],
    workerData: { parent, child: process.ppid === parent },
    stdout: false,
  });
  watcher.unref();
}
