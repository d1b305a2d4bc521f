/** A model as files: Hugging Face's folder layout, read and written. */
export * from "./adapter-files.js";
export { architectureOf, hasBias, type ModelType } from "./architecture.js";
export * from "./bpe.js";
export * from "./config.js";
export * from "./describe.js";
export * from "./hub.js";
export { findModel, hubCache, isRepoName, modelFolder, type Environment } from "./hub-cache.js";
export * from "./init.js";
export * from "./model-folder.js";
export * from "./open-model.js";
export * from "./parameters.js";
export type { Llama3Scaling } from "./rope.js";
export * from "./safetensors.js";
export * from "./tokenizer.js";
