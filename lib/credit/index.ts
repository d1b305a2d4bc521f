/** Credit judged by what decisions were really worth. */
export * from "./agreement.js";
export * from "./file.js";
export * from "./measure.js";
