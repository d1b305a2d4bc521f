/** Credit judged by the value of decisions. */
export * from "./agreement.js";
export * from "./file.js";
export * from "./measure.js";
