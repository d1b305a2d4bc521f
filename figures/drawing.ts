/** Boxes, arrows and words at given places, as a Vega-Lite chart: so that drawings look like the figures beside them. */
import type { TopLevelSpec } from "vega-lite";
import { asIs } from "./encodings.js";

/** A place in pixels from the upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly fill?: string;
  readonly stroke?: string;
  /** Written in its middle. */
  readonly text?: string;
}

export interface Words extends Point {
  readonly text: string;
  readonly size?: number;
  readonly bold?: boolean;
  readonly italic?: boolean;
  readonly align?: "left" | "center" | "right";
  readonly colour?: string;
}

/** A line through points, with a head at its end unless it is plain. */
export interface Arrow {
  readonly path: readonly Point[];
  readonly plain?: boolean;
  readonly colour?: string;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes?: readonly Box[];
  readonly arrows?: readonly Arrow[];
  readonly words?: readonly Words[];
}

const INK = "#222222";

/** The chart of a drawing: what comes later lies on top. */
export function drawingSpec({ width, height, boxes = [], arrows = [], words = [] }: Drawing): TopLevelSpec {
  const axis = (field: string, length: number) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: [0, length], nice: false, zero: false },
    axis: null,
  });
  const x = axis("x", width);
  const y = { ...axis("y", height), sort: "descending" as const };
  const lines = arrows.flatMap(({ path, colour = INK }, line) =>
    path.map((point, order) => ({ ...point, line, order, colour })),
  );
  const heads = arrows.flatMap(({ path, plain, colour = INK }) => {
    const [from, to] = [path.at(-2), path.at(-1)];
    if (plain || !from || !to) return [];
    return [{ ...to, colour, angle: (Math.atan2(to.x - from.x, from.y - to.y) * 180) / Math.PI }];
  });
  const written = [
    ...words,
    ...boxes.flatMap((box) =>
      box.text ? [{ x: box.x + box.width / 2, y: box.y + box.height / 2, text: box.text }] : [],
    ),
  ] as readonly Words[];
  const layers = [
    {
      data: {
        values: boxes.map((box) => ({
          x: box.x,
          y: box.y,
          x2: box.x + box.width,
          y2: box.y + box.height,
          fill: box.fill ?? "#ffffff",
          stroke: box.stroke ?? "#ffffff",
        })),
      },
      mark: { type: "rect" as const, cornerRadius: 4, strokeWidth: 1 },
      encoding: {
        x,
        x2: { field: "x2" },
        y,
        y2: { field: "y2" },
        fill: asIs("fill"),
        stroke: asIs("stroke"),
      },
    },
    {
      data: { values: lines },
      mark: { type: "line" as const, strokeWidth: 1.2 },
      encoding: { x, y, detail: { field: "line" }, order: { field: "order" }, color: asIs("colour") },
    },
    {
      data: { values: heads },
      mark: { type: "point" as const, shape: "triangle-up", filled: true, size: 38, opacity: 1 },
      encoding: {
        x,
        y,
        angle: {
          field: "angle",
          type: "quantitative" as const,
          scale: { domain: [0, 360], range: [0, 360] },
        },
        color: asIs("colour"),
      },
    },
    // one layer for each way of writing: a mark's size, weight and place are properties, not encodings
    ...groupsOf(written).map((group) => ({
      data: { values: group.map(({ x, y, text, colour = INK }) => ({ x, y, text, colour })) },
      mark: {
        type: "text" as const,
        align: group[0]!.align ?? ("center" as const),
        baseline: "middle" as const,
        fontSize: group[0]!.size ?? 12,
        fontWeight: group[0]!.bold ? ("bold" as const) : ("normal" as const),
        fontStyle: group[0]!.italic ? "italic" : "normal",
      },
      encoding: { x, y, text: asIs("text"), color: asIs("colour") },
    })),
  ].filter((layer) => layer.data.values.length > 0);
  return { width, height, layer: layers } as TopLevelSpec;
}

function groupsOf(words: readonly Words[]): Words[][] {
  const groups = new Map<string, Words[]>();
  for (const one of words) {
    const key = [one.size, one.bold, one.italic, one.align].join("/");
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** Text broken into lines of at most `width` pixels by a measure; a word that is too long is cut. */
export function wrapped(
  text: string,
  width: number,
  measure: (text: string) => number,
  most = Infinity,
): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (measure(longer) <= width || line === "") line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  if (line !== "") lines.push(line);
  const kept = lines.slice(0, most);
  if (kept.length < lines.length) kept[kept.length - 1] += " …";
  return kept.map((one) => cut(one, width, measure));
}

function cut(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let end = text.length;
  while (end > 1 && measure(`${text.slice(0, end).trimEnd()}…`) > width) end--;
  return `${text.slice(0, end).replace(/[ …]+$/, "")}…`;
}

/** The placeholder of a figure while there is no record to draw it from: one sentence that says how to make one. */
export function noticeSpec(width: number, text: string): TopLevelSpec {
  return drawingSpec({ width: width - 6, height: 40, words: [{ x: width / 2, y: 20, text }] });
}
