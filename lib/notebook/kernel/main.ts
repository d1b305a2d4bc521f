/** The kernel: TypeScript behind Jupyter's sockets. Started by launch.cjs. */
import { readFileSync } from "node:fs";
import type { Connection } from "../wire.js";
import { createCells } from "./cells.js";
import { createLoadedFiles } from "./changes.js";
import { createCompiler } from "./compiler.js";
import { currentContext } from "./context.js";
import { createOutlet } from "./outlet.js";
import { watchParent } from "./parent.js";
import { quieten } from "./quiet.js";
import { startServer } from "./server.js";
import { bindSockets } from "./sockets.js";

/** Serves the connection described in `connectionFile` until Jupyter says to shut down. */
export async function startKernel(root: string, connectionFile: string): Promise<void> {
  watchParent();
  quieten();
  Error.stackTraceLimit = 50;
  const connection = JSON.parse(readFileSync(connectionFile, "utf8")) as Connection;
  const compiler = createCompiler(root);
  const sockets = await bindSockets(root, connection);
  const outlet = createOutlet((type, content, { request }) => sockets.publish(type, content, request));
  const files = createLoadedFiles(root);
  const cells = createCells(root, compiler, {
    onCompiled() {
      const warning = files.warning();
      if (warning) outlet.print("stderr", `${warning}\n`);
    },
    onLoaded: () => files.loaded(compiler.language.ownFiles()),
    // tslab's own display functions, for cells that import it, come out here too.
    onTslab: (jupyter) =>
      Object.assign(jupyter, {
        lastWriteDisplayData: (data: Record<string, unknown>, update?: boolean) =>
          outlet.display(data, update ?? false),
      }),
  });

  process.on("SIGINT", () => cells.interrupt());
  // What goes wrong in a timer or a forgotten promise fails its cell while that waits; afterwards it is only told, in one line.
  const late = (error: unknown): void => {
    if (cells.fail(error)) return;
    const context = currentContext();
    if (context?.controller.signal.aborted && error === context.controller.signal.reason) return; // the interrupt itself
    outlet.print("stderr", `Not caught: ${cells.brief(error)}\n`);
  };
  process.on("uncaughtException", late);
  process.on("unhandledRejection", late);
  startServer({ sockets, cells, compiler, outlet });
}
