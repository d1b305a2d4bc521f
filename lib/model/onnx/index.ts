/** Our models for other runtimes. */
export { decoderGraph, saveOnnx } from "./decoder.js";
