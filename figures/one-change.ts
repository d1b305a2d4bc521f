import type { Figure } from "../lib/study/index.js";
import { ablationPanels, ablationRow, startOn } from "./ablation-panels.js";
import { noticeSpec } from "./drawing.js";

const SWEEP = "one-change";

/** GRPO with one thing changed at a time: score and success of each, the dashed line where training began. */
export const oneChange: Figure = {
  name: "one-change",
  title:
    "GRPO with one thing changed at a time: score and success on the test goals with 95 % intervals; the dashed line is the imitation model on the same goals",
  spec(data, kit) {
    const { style } = kit;
    const sweep = data.ablations.find(({ name }) => name === SWEEP);
    const start = sweep && startOn(sweep, data, kit);
    const rows = (sweep?.variants ?? []).map((variant, i) => {
      const { colour } = style.agentStyle("grpo");
      const label = variant.named ?? variant.variant;
      return ablationRow(
        variant,
        { label, colour, fill: i === 0 ? colour : "white", shape: "circle" },
        start,
        kit,
      );
    });
    if (!sweep || rows.every(({ score }) => score === null)) {
      const text = `No record of this ablation yet: ${sweep?.command ?? `configs/sweeps/${SWEEP}.json is missing`}`;
      return noticeSpec(style.fullWidth, text);
    }
    return ablationPanels(rows, kit);
  },
};
