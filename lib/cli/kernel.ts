import { note } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle kernel install | uninstall`: registers the notebook kernel for the user. */
export const addKernel: AddVerb = (program) => {
  const kernel = program
    .command("kernel")
    .description("register the notebook kernel for VS Code and other Jupyters");
  kernel
    .command("install")
    .description("let every Jupyter of this user, and VS Code, find the kernel of this folder")
    .action(async () => {
      const { installKernelspec } = await import("../notebook/index.js");
      const folder = installKernelspec();
      note(`Registered in ${folder}.`);
      note(
        'Choose the kernel "TypeScript (Aisle)"; in VS Code: Select Kernel, Jupyter Kernel. A moved folder needs it again.',
      );
    });
  kernel
    .command("uninstall")
    .description("take that back")
    .action(async () => {
      const { uninstallKernelspec } = await import("../notebook/index.js");
      note(uninstallKernelspec() ? "The kernel is no longer registered." : "The kernel was not registered.");
    });
};
