import { RunError } from "../base/index.js";
import { note } from "./common.js";
import type { AddVerb } from "./verb.js";

/** How to get a Jupyter, for each way that people have. */
export const GET_JUPYTER =
  'VS Code needs only its Jupyter extension and "npx aisle kernel install"; otherwise "pipx install jupyterlab", ' +
  '"conda install jupyterlab", or on Debian and Ubuntu "apt install jupyter-notebook"';

/** `aisle lab`: opens the Jupyter that is installed, with our kernel ready. */
export const addLab: AddVerb = (program) => {
  program
    .command("lab")
    .description("open JupyterLab or Notebook with the kernel ready")
    .argument("[arguments...]", "passed on, e.g. notebooks/00-start-here.ipynb (after -- for options)")
    .action(async (args: string[]) => {
      const { findJupyter, openJupyter } = await import("../notebook/index.js");
      const app = findJupyter();
      if (!app) {
        throw new RunError(
          `Install JupyterLab first: "pipx install jupyterlab". None is found here, nor a Jupyter Notebook.\n` +
            `${GET_JUPYTER}.\n` +
            'Without any of them, "npx aisle notebook FILE" runs a notebook and writes its outputs into it.',
        );
      }
      note(`Opening ${app.name} ${app.version}; the kernel is "TypeScript (Aisle)".`);
      process.exitCode = await openJupyter(app, args.length > 0 ? args : ["notebooks"]);
    });
};
