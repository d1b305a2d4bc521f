/** Rewards: named terms that a configuration adds up, each logged separately. */
export { chosenTerm, type ChosenTerm, registerReward, rewardNames } from "./registry.js";
export * from "./reward.js";
export type { Decision, Outcome, RewardTerm } from "./term.js";
