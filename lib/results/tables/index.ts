/** Tables from arquero to Markdown, HTML, LaTeX and the terminal. */
export * from "./ablation-sentences.js";
export * from "./algorithm-pages.js";
export * from "./comparisons-table.js";
export * from "./document.js";
export * from "./formats.js";
export * from "./latex-text.js";
export * from "./macros.js";
export * from "./main-table.js";
export * from "./method-tables.js";
export * from "./numbers.js";
export * from "./readme.js";
export * from "./records-table.js";
export * from "./sentences.js";
export * from "./training-tables.js";
export * from "./value-table.js";
