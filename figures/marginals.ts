import { agentStyle } from "../lib/results/index.js";
import { ablationFigure } from "./ablation-panels.js";

/** The ablation of group size G, marginals M and optimiser steps I; the dashed line is where training began. */
export const marginals = ablationFigure(
  "marginals",
  "Ablation of group size G, number of marginals M and optimiser steps I at equal roll-outs: score and success on the test goals with 95 % intervals",
  ({ settings }, _place) => {
    const { colour } = agentStyle("thesis");
    const [g, m, i] = ["groups.size", "groups.perTask", "update.epochs"].map((path) =>
      Number(settings[path] ?? NaN),
    );
    return {
      label: `G ${g} · M ${m} · I ${i}`,
      colour,
      fill: i === 1 ? "white" : colour,
      shape: m === 1 ? "circle" : "square",
    };
  },
);
