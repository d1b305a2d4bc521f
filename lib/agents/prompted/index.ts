/** Agents that ask a language model which was not trained for the shop. */
export * from "./completer.js";
export { readEndpointFile, type Dialect, type EndpointFile } from "./dialect.js";
export * from "./endpoint.js";
export { encodeQuestion } from "./encode.js";
export { endedAt } from "./failed.js";
export * from "./local.js";
export * from "./multi-turn.js";
export * from "./names.js";
export * from "./onnx.js";
export { promptedAgent, type PromptedOptions } from "./prompted.js";
