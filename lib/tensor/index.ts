/** Tensors: five backends behind one call, and the operations that a transformer is made of, each with its gradient. */
export * from "./backends/index.js";
export { gigabytes, HEAP_BYTES, OutOfMemory } from "./backends/wasm/heap.js";
export { wasmRuntime, type WasmRuntime } from "./backends/wasm/runtime.js";
export { copyInto } from "./backends/webgpu/elementwise.js";
export { webgpuRuntime, type WebgpuRuntime } from "./backends/webgpu/runtime.js";
export * from "./ops/index.js";
export { Tape } from "./tape.js";
