/** Every figure of the thesis, in the order in which the thesis shows them. */
import type { Figure } from "../lib/study/index.js";
import { architecture } from "./architecture.js";
import { episodeFlow } from "./episode-flow.js";
import { learningCurves } from "./learning-curves.js";
import { marginals } from "./marginals.js";
import { oneChange } from "./one-change.js";
import { resultsLadder } from "./results-ladder.js";
import { rewardParts } from "./reward-parts.js";
import { stepCredit } from "./step-credit.js";
import { successByDifficulty } from "./success-by-difficulty.js";
import { trajectory } from "./trajectory.js";

export const figures: readonly Figure[] = [
  trajectory,
  architecture,
  resultsLadder,
  learningCurves,
  rewardParts,
  episodeFlow,
  successByDifficulty,
  oneChange,
  marginals,
  stepCredit,
];
