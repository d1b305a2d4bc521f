import { InputError, messageOf } from "../../../base/index.js";

let loaded: Promise<void> | undefined;

/**
 * Loads Dawn, Chromium's WebGPU, into Node and tfjs's `webgpu` backend on it. Any Vulkan, Metal or Direct3D 12 device will do.
 * Reading a tensor is asynchronous there: `await tensor.data()`, never `dataSync()`.
 * @throws InputError when there is no usable adapter.
 */
export function loadWebgpu(): Promise<void> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<void> {
  let reason: string;
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    const gpu = create([]) as { requestAdapter(): Promise<unknown> };
    provideNavigator(gpu);
    if ((await gpu.requestAdapter()) !== null) {
      await import("@tensorflow/tfjs-backend-webgpu");
      return;
    }
    reason = "Dawn finds no Vulkan, Metal or Direct3D 12 adapter";
  } catch (error) {
    reason = messageOf(error).split("\n")[0]!;
  }
  throw new InputError(
    `The backend webgpu is not present: ${reason}; install a graphics driver, or use wasm.`,
  );
}

/** Node 20 has no `navigator`; from 21 on it has one that can be added to. */
function provideNavigator(gpu: object): void {
  const scope = globalThis as { navigator?: object };
  if (scope.navigator === undefined)
    Object.defineProperty(scope, "navigator", { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, "gpu", { value: gpu, configurable: true });
}
