import { type Figure, fullWidth, type SampleEpisode, textWidth } from "../lib/results/index.js";
import { type Arrow, type Box, drawingSpec, type Words, wrapped } from "./drawing.js";

/** One episode, page by page, with what was done on each. */
export const trajectory: Figure = {
  name: "trajectory",
  title:
    "One episode of the match agent as the pages that it saw: search, results, product, chosen option, purchase",
  spec({ episode }) {
    const width = fullWidth - 6;
    if (!episode) {
      const words = [{ x: width / 2, y: 20, text: "No record of the match agent with a success to show." }];
      return drawingSpec({ width, height: 40, words });
    }
    return drawingSpec(layOut(episode, width));
  },
};

const SIZE = 10.5;
const LEADING = 13;
const LINES = 17;

/** Cards side by side, each with the lines of its page; the action stands beneath with an arrow to the next page. */
function layOut({ instruction, pages, reward }: SampleEpisode, width: number) {
  const gap = 10;
  const panel = (width - gap * (pages.length - 1)) / pages.length;
  const top = 40;
  const height = LINES * LEADING + 34;
  const measure = (text: string): number => textWidth(text, SIZE);
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const words: Words[] = wrapped(`“${instruction}”`, width, (text) => textWidth(text, 12), 2).map(
    (text, i) => ({
      text,
      x: width / 2,
      y: 8 + 16 * i,
      italic: true,
    }),
  );
  pages.forEach((page, i) => {
    const x = i * (panel + gap);
    boxes.push({ x, y: top, width: panel, height, fill: "#fbfbfb", stroke: "#9a9a9a" });
    words.push({ text: page.kind, x: x + 6, y: top + 12, bold: true, align: "left" });
    let line = 0;
    for (const { broken, chosen } of windowOf(page.lines, (text) => wrapped(text, panel - 12, measure, 2))) {
      if (line + broken.length > LINES) break;
      if (chosen) {
        boxes.push({
          x: x + 3,
          y: top + 23.5 + LEADING * line,
          width: panel - 6,
          height: LEADING * broken.length,
          fill: "#dcefe9",
          stroke: "#009e73",
        });
      }
      broken.forEach((part, k) =>
        words.push({ text: part, x: x + 6, y: top + 30 + LEADING * (line + k), size: SIZE, align: "left" }),
      );
      line += broken.length;
    }
    const below = top + height;
    const next = pages[i + 1];
    if (next) {
      arrows.push({
        path: [
          { x: x + panel / 2, y: below },
          { x: x + panel / 2, y: below + 12 },
          { x: x + panel + gap + panel / 2, y: below + 12 },
          { x: x + panel + gap + panel / 2, y: below + 3 },
        ],
      });
      wrapped(page.action, panel + gap - 14, measure, 3).forEach((text, k) =>
        words.push({ text, x: x + panel + gap / 2, y: below + 23 + LEADING * k, size: SIZE }),
      );
    }
  });
  words.push({
    text: `reward ${reward.toFixed(2)}`,
    x: width - panel / 2,
    y: top + height - 12,
    bold: true,
  });
  return { width, height: top + height + 60, boxes, arrows, words };
}

/** The part of a page that fits into a panel: its beginning, or the chosen element and its surroundings where the beginning does not reach it. */
function windowOf(lines: SampleEpisode["pages"][number]["lines"], wrap: (text: string) => string[]) {
  const all = lines.map(({ text, chosen }) => ({ broken: wrap(text), chosen }));
  const taken = (from: number, to: number): number =>
    all.slice(from, to).reduce((sum, { broken }) => sum + broken.length, 0);
  const chosen = all.findIndex((one) => one.chosen);
  let start = 1;
  while (chosen >= 0 && taken(0, chosen + 1) > LINES && taken(start, chosen + 1) > LINES - 2) start++;
  return start === 1 ? all : [all[0]!, { broken: ["…"], chosen: false }, ...all.slice(start)];
}
