import * as tf from "@tensorflow/tfjs";
import { disableNative, enableNative } from "./native.js";
import { loadTensorflow } from "./tensorflow.js";
import { replaceKernels } from "./wasm/register.js";
import { loadWebgpu } from "./webgpu/load.js";
import { replaceProduct } from "./webgpu/register.js";

/** From the fastest to the slowest. */
export const BACKENDS = ["tensorflow", "webgpu", "native", "wasm", "cpu"] as const;
export type BackendName = (typeof BACKENDS)[number];

let current: BackendName | undefined;

/**
 * Makes a backend the one that runs everything from now on, in this thread.
 * @throws InputError when it is not present on this machine, saying what would give it.
 */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === current) return;
  tf.enableProdMode(); // or the cpu backend prints an advertisement for tfjs-node
  if (name === "tensorflow") await loadTensorflow();
  if (name === "webgpu") {
    await loadWebgpu();
    replaceProduct();
  }
  if (name === "wasm" || name === "native") {
    await import("@tensorflow/tfjs-backend-wasm");
    replaceKernels();
  }
  await withoutNewListeners(async () => {
    await tf.setBackend(name === "native" ? "wasm" : name);
    await tf.ready();
  });
  if (name === "native") await enableNative();
  if (name === "wasm") disableNative();
  current = name;
}

/** The backend in use, or `undefined` before the first {@link useBackend}. */
export function currentBackend(): BackendName | undefined {
  return current;
}

/**
 * Emscripten's start-up code throws every unhandled rejection of the process again from a file of one very long line, which
 * Node then prints. What it adds to the process is taken away.
 */
async function withoutNewListeners(start: () => Promise<void>): Promise<void> {
  type Listener = (...args: unknown[]) => void;
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const listeners = (event: string): Listener[] =>
    process.listeners(event as "exit") as unknown as Listener[];
  const before = events.map((event) => new Set(listeners(event)));
  await start();
  events.forEach((event, i) => {
    for (const listener of listeners(event)) if (!before[i]!.has(listener)) process.off(event, listener);
  });
}
