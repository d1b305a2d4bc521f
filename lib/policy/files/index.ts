/** A model as files: Hugging Face's folder layout, read and written. */
export * from "./safetensors.js";
