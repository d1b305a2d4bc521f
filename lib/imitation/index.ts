/** Learning from text and from teachers: pretraining the small base model, demonstrations, and imitation. */
export * from "./config.js";
export * from "./demonstrations/index.js";
export * from "./drills.js";
export * from "./exemplars.js";
export { demonstrationRow, demonstrationsFor, imitate } from "./imitate.js";
export {
  checkpointFolder,
  type LoopResult,
  type Measured,
  type Measurement,
  type StepReport,
} from "./loop.js";
export * from "./measure.js";
export { pretrain, type RunOptions } from "./pretraining/run.js";
export { pretrainingShop } from "./pretraining/shops.js";
export { rewardWithMatchedOptions as rewardOfMatched } from "./purchases.js";
export * from "./supervised.js";
