/** Agents that ask a language model which was told, not taught. */
export * from "./completer.js";
export * from "./endpoint.js";
export * from "./local.js";
export * from "./prompted.js";
