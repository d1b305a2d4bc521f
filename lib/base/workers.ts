import path from "node:path";
import { pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a worker thread from a TypeScript file, named from the project root. `--import tsx` alone does it on Node 22 and
 * newer but not on 20, where a thread's first file is read before the loader is in place; here a line of JavaScript comes first.
 * It works the same from the command line, from tests and from a notebook's kernel.
 */
export function startWorker(entry: string, options: Omit<WorkerOptions, "eval"> = {}): Worker {
  const address = JSON.stringify(pathToFileURL(path.resolve(entry)).href);
  const code = `import("tsx/esm/api").then((tsx) => { tsx.register(); return import(${address}); });`;
  return new Worker(code, { execArgv: [], ...options, eval: true });
}
