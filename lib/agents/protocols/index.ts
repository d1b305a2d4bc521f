/** The two ways in which an episode can be played, one file each. */
export * from "./by-settings.js";
export * from "./multi-turn.js";
export * from "./multi-turn-prompt.js";
export * from "./pages.js";
export * from "./play.js";
export * from "./two-decision.js";
