import { note } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle setup gpu`: installs what a CUDA GPU needs, and proves it. */
export const addSetup: AddVerb = (program) => {
  const setup = program.command("setup").description("install what is optional");
  setup
    .command("gpu")
    .description("install @tensorflow/tfjs-node-gpu (about half a gigabyte) and prove it on the GPU")
    .option("--force", "install although no NVIDIA driver is found")
    .action(async (options: { force?: boolean }) => {
      const { setupGpu } = await import("./setup/gpu.js");
      const proof = await setupGpu({ force: options.force ?? false, say: note });
      note(
        `The GPU multiplies matrices: ${proof.gflops.toFixed(0)} GFLOPS. Use it with AISLE_BACKEND=tensorflow.`,
      );
      note('"npm ci" takes the package out again (it is optional): then run this once more.');
    });
};
