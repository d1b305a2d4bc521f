import { agentStyle } from "../lib/results/index.js";
import { ablationFigure } from "./ablation-panels.js";

/** GRPO with one thing changed at a time: score and success of each, the dashed line where training began. */
export const oneChange = ablationFigure(
  "one-change",
  "GRPO with one thing changed at a time: score and success on the test goals with 95 % intervals; the dashed line is the imitation model on the same goals",
  (variant, place) => {
    const { colour } = agentStyle("grpo");
    const label = variant.named ?? variant.variant;
    return { label, colour, fill: place === 0 ? colour : "white", shape: "circle" };
  },
);
