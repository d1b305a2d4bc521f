import { type Figure, fullWidth, textWidth } from "../lib/results/index.js";
import { type Arrow, type Box, drawingSpec, type Words } from "./drawing.js";

const tint = {
  simulator: "#fdf0d5",
  agents: "#e3f1fa",
  policy: "#dcefe9",
  grpo: "#f6e3ee",
  study: "#eeeeee",
} as const;

/** The rooms of the workbench and what passes between them. */
export const architecture: Figure = {
  name: "architecture",
  title:
    "The rooms of the workbench: the simulator gives pages, agents ask the policy, the learner turns trajectories into updates, the study measures",
  spec() {
    const width = fullWidth - 6;
    const room = (name: keyof typeof tint, x: number, y: number, w: number, h: number): Box => ({
      x,
      y,
      width: w,
      height: h,
      fill: tint[name],
      stroke: "#9a9a9a",
    });
    const head = (text: string, x: number, y: number): Words => ({
      text,
      x: x + 9,
      y: y + 13,
      bold: true,
      align: "left",
    });
    const lines = (x: number, y: number, ...all: readonly string[]): Words[] =>
      all.map((text, i) => ({ text, x: x + 9, y: y + 32 + 16 * i, align: "left" }));
    const columns = [0, 205, 410] as const;
    const wide = width - columns[2];
    const grpo = { x: columns[1], y: 166, w: width - columns[1] };
    const study = { x: 0, y: 288, w: width };
    const chain = (
      x: number,
      y: number,
      w: number,
      names: readonly string[],
    ): { boxes: Box[]; arrows: Arrow[] } => {
      const gap = 16;
      const widths = names.map((name) => textWidth(name, 12) + 14);
      const slack = (w - widths.reduce((a, b) => a + b, 0) - gap * (names.length - 1)) / names.length;
      let at = x;
      const boxes = names.map((text, i): Box => {
        const box = {
          x: at,
          y,
          width: widths[i]! + slack,
          height: 26,
          fill: "#ffffff",
          stroke: "#9a9a9a",
          text,
        };
        at += box.width + gap;
        return box;
      });
      const arrows = boxes.slice(1).map((box, i): Arrow => {
        const before = boxes[i]!;
        return {
          path: [
            { x: before.x + before.width + 1, y: y + 13 },
            { x: box.x - 3, y: y + 13 },
          ],
        };
      });
      return { boxes, arrows };
    };
    const learning = chain(grpo.x + 9, grpo.y + 26, grpo.w - 18, [
      "groups",
      "advantages",
      "packed rows",
      "objective",
    ]);
    const measuring = chain(study.x + 9, study.y + 26, study.w - 18, [
      "evaluation",
      "run record",
      "statistics",
      "tables, figures, numbers",
      "this document",
    ]);
    const label = (text: string, x: number, y: number, align: Words["align"] = "center"): Words => ({
      text,
      x,
      y,
      italic: true,
      size: 11.5,
      align,
    });
    const between = (from: number, to: number, y: number): Arrow => ({
      path: [
        { x: from, y },
        { x: to, y },
      ],
    });
    const rooms = { top: 0, height: 116 };
    return drawingSpec({
      width,
      height: study.y + 62,
      boxes: [
        room("simulator", columns[0], rooms.top, 148, rooms.height),
        room("agents", columns[1], rooms.top, 148, rooms.height),
        room("policy", columns[2], rooms.top, wide, rooms.height),
        room("grpo", grpo.x, grpo.y, grpo.w, 62),
        room("study", study.x, study.y, study.w, 62),
        ...learning.boxes,
        ...measuring.boxes,
      ],
      arrows: [
        between(149, columns[1] - 3, 44),
        between(columns[1] - 1, 152, 84),
        between(354, columns[2] - 3, 44),
        between(columns[2] - 1, 357, 84),
        {
          path: [
            { x: 279, y: rooms.height + 1 },
            { x: 279, y: grpo.y - 3 },
          ],
        },
        {
          path: [
            { x: 484, y: grpo.y - 1 },
            { x: 484, y: rooms.height + 4 },
          ],
        },
        {
          path: [
            { x: 74, y: rooms.height + 1 },
            { x: 74, y: study.y - 3 },
          ],
        },
        {
          path: [
            { x: 382, y: grpo.y + 63 },
            { x: 382, y: study.y - 3 },
          ],
        },
        ...learning.arrows,
        ...measuring.arrows,
      ],
      words: [
        head("simulator", columns[0], 0),
        ...lines(
          columns[0],
          0,
          "catalogue and search",
          "pages and actions",
          "goals and reward",
          "a state is a value",
        ),
        head("agents", columns[1], 0),
        ...lines(columns[1], 0, "prompts", "rule, match, oracle", "prompted, learned", "roll-outs, cloned"),
        head("policy", columns[2], 0),
        ...lines(
          columns[2],
          0,
          "tokenizer",
          "transformer, adapters",
          "sampling, packed scoring",
          "gradients, optimiser",
        ),
        head("learner", grpo.x, grpo.y),
        head("study", study.x, study.y),
        label("page", 177, 34),
        label("action", 177, 95),
        label("prompt", 382, 34),
        label("tokens", 382, 95),
        label("trajectories", 285, 141, "left"),
        label("update", 490, 141, "left"),
        label("outcomes", 80, 202, "left"),
        label("metrics, checkpoints", 388, 258, "left"),
      ],
    });
  },
};
