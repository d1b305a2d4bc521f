/** Every figure of the thesis, in the order in which the thesis shows them. */
import type { Figure } from "../lib/study/index.js";
import { resultsLadder } from "./results-ladder.js";
import { rewardParts } from "./reward-parts.js";
import { successByDifficulty } from "./success-by-difficulty.js";

export const figures: readonly Figure[] = [resultsLadder, rewardParts, successByDifficulty];
