/** Figures: one visual language from Vega-Lite to SVG and PDF. The figures themselves are in `figures/`. */
export * from "./make.js";
export * from "./render.js";
export * from "./types.js";
