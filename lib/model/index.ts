/** The language model: its files in Hugging Face's layout, its layers, low-rank adapters, and graphs for other runtimes. */
export * from "./attend.js";
export * from "./files/index.js";
export * from "./lora.js";
export * from "./onnx/index.js";
export * from "./transformer.js";
