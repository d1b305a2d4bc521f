import * as tf from "@tensorflow/tfjs";
import { InputError } from "../../base/index.js";
import { replaceKernels } from "./wasm/register.js";

/** From the fastest to the slowest. */
export const BACKENDS = ["tensorflow", "webgpu", "native", "wasm", "cpu"] as const;
export type BackendName = (typeof BACKENDS)[number];

let current: BackendName | undefined;

/**
 * Makes a backend the one that runs everything from now on, in this thread.
 * @throws InputError when it is not present on this machine, saying what would give it.
 */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === "wasm") {
    await import("@tensorflow/tfjs-backend-wasm");
    replaceKernels();
  } else if (name !== "cpu") throw new InputError(`The backend ${name} is not present.`);
  await tf.setBackend(name);
  await tf.ready();
  current = name;
}

/** The backend in use, or `undefined` before the first {@link useBackend}. */
export function currentBackend(): BackendName | undefined {
  return current;
}
