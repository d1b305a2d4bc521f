import type { Figure } from "../lib/study/index.js";
import { ablationPanels, ablationRow, startOn } from "./ablation-panels.js";
import { noticeSpec } from "./drawing.js";

const SWEEP = "marginals";

/** The ablation of group size G, marginals M and optimiser steps I; the dashed line is where training began. */
export const marginals: Figure = {
  name: "marginals",
  title:
    "Ablation of group size G, number of marginals M and optimiser steps I at equal roll-outs: score and success on the test goals with 95 % intervals",
  spec(data, kit) {
    const { style } = kit;
    const sweep = data.ablations.find(({ name }) => name === SWEEP);
    const start = sweep && startOn(sweep, data, kit);
    const { colour } = style.agentStyle("thesis");
    const rows = (sweep?.variants ?? []).map((variant) => {
      const [g, m, i] = ["groups.size", "groups.perTask", "update.epochs"].map((path) =>
        Number(variant.settings[path] ?? NaN),
      );
      const look = {
        label: `G ${g} · M ${m} · I ${i}`,
        colour,
        fill: i === 1 ? "white" : colour,
        shape: m === 1 ? ("circle" as const) : ("square" as const),
      };
      return ablationRow(variant, look, start, kit);
    });
    if (!sweep || rows.every(({ score }) => score === null)) {
      const text = `No record of this ablation yet: ${sweep?.command ?? `configs/sweeps/${SWEEP}.json is missing`}`;
      return noticeSpec(style.fullWidth, text);
    }
    return ablationPanels(rows, kit);
  },
};
