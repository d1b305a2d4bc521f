/** Every figure of the thesis, in the order in which the thesis shows them. */
import { InputError } from "../lib/base/index.js";
import { drawFigure, type Figure, type StudyData } from "../lib/results/index.js";
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

/** The figure of a name. @throws InputError when there is none */
export function figureNamed(name: string): Figure {
  const figure = figures.find((one) => one.name === name);
  if (!figure) {
    throw new InputError(
      `There is no figure "${name}"; there are ${figures.map((one) => one.name).join(", ")}.`,
    );
  }
  return figure;
}

/** A figure as an SVG string, for a notebook: `tslab.display.svg(await figureSvg("results-ladder", data))`. */
export async function figureSvg(name: string, data: StudyData): Promise<string> {
  return drawFigure(figureNamed(name), data);
}
