/** The kernel: tslab's compiler and display functions behind Jupyter's sockets. Started by launch.cjs. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { inspect } from "node:util";
import type { Connection } from "../wire.js";
import { createCells, Interrupted } from "./cells.js";
import { createCompiler } from "./compiler.js";
import { createServer } from "./server.js";
import { quieten } from "./quiet.js";
import { watchParent } from "./parent.js";

/** Serves the connection described in `connectionFile` until Jupyter says to shut down. */
export async function startKernel(root: string, connectionFile: string): Promise<void> {
  watchParent();
  quieten();
  Error.stackTraceLimit = 50;
  const connection = JSON.parse(readFileSync(connectionFile, "utf8")) as Connection;
  const compiler = createCompiler(root);
  const cells = createCells(root, compiler);
  const tslab = createRequire(createRequire(path.join(root, "package.json")).resolve("tslab"));
  const jupyter = tslab("./jupyter.js") as typeof import("tslab/dist/jupyter.js");
  const server = await createServer(connection, cells, compiler, jupyter);

  process.on("SIGINT", () => cells.abort(new Interrupted()));
  // What goes wrong in a timer or a forgotten promise fails the cell that is waiting; afterwards it is only told.
  const late = (error: unknown): void => {
    if (!cells.abort(error)) process.stderr.write(`Error outside of a cell: ${inspect(error)}\n`);
  };
  process.on("uncaughtException", late);
  process.on("unhandledRejection", late);
  server.start();
}
