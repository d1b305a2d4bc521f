/** The simulator: products in, pages and rewards out. It knows nothing of models. */
export * from "./types.js";
export * from "./product.js";
export * from "./prices.js";
export * from "./goals.js";
export * from "./split.js";
export * from "./python-random.js";
export * from "./recipe/index.js";
export * from "./quirks.js";
export {
  rewardFromParts,
  rewardOf,
  rewardRecord,
  combineReward,
  typeReward,
  titleScoreOf,
  type Purchase,
} from "./reward.js";
export { tokenSetRatio } from "./fuzzy.js";
export { nounsOf } from "./nouns.js";
export { chooseTagger, type NounFinder, type TaggerKind } from "./taggers.js";
export { fetchTagger, hasSpacyTagger, taggerFile } from "./tagger/index.js";
export { normaliseColour } from "./colours.js";
export { parseAction, type ParsedAction } from "./actions.js";
export { openEnvironment } from "./environment.js";
export * from "./catalogue/index.js";
