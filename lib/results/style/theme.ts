import type { Config } from "vega-lite";

/** The thesis's font first; where it is missing, the nearest that every system has. */
export const fontFamily = "Latin Modern Roman, Georgia, Times New Roman, serif";

/** Pixels per point of the finished page: rsvg-convert takes 96 pixels to the inch. */
const point = 4 / 3;

/** Width of the thesis's text block (150 mm) in pixels: a figure of this width is included unscaled. */
export const fullWidth = Math.round((150 / 25.4) * 96);

const ink = "#222222";
const quiet = "#c8c8c8";

/**
 * The one visual language of every chart: the font and sizes of the thesis (9 pt labels in a page set in 11 pt), thin
 * light grid, no box, no background, so that a chart sits on paper as on a light or dark notebook page alike.
 */
export const theme: Config = {
  aria: false, // each SVG has a title; a description of every mark would double its size
  background: "white",
  padding: 2,
  font: fontFamily,
  view: { stroke: null },
  axis: {
    labelFontSize: 9 * point,
    titleFontSize: 9 * point,
    titleFontWeight: "normal",
    labelColor: ink,
    titleColor: ink,
    gridColor: "#ececec",
    domainColor: quiet,
    tickColor: quiet,
    tickSize: 3,
    labelPadding: 4,
    titlePadding: 6,
  },
  legend: {
    labelFontSize: 9 * point,
    titleFontSize: 9 * point,
    titleFontWeight: "normal",
    labelColor: ink,
    titleColor: ink,
  },
  header: {
    labelFontSize: 13,
    titleFontSize: 13,
    labelFontWeight: "normal",
    titleFontWeight: "normal",
    labelColor: ink,
    titleColor: ink,
  },
  title: { fontSize: 13, fontWeight: "normal", color: ink, anchor: "start", offset: 8 },
  text: { fontSize: 9 * point, color: ink },
  rule: { strokeWidth: 2.2 },
  line: { strokeWidth: 1.8 },
  point: { size: 60, filled: true, opacity: 1 },
  bar: { color: "#0072b2" },
};
