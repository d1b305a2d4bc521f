/** Tables from arquero to Markdown, HTML, LaTeX and the terminal. */
export * from "./ablationSentences.js";
export * from "./algorithmPages.js";
export * from "./comparisonsTable.js";
export * from "./document.js";
export * from "./formats.js";
export * from "./latexText.js";
export * from "./macros.js";
export * from "./mainTable.js";
export * from "./methodTables.js";
export * from "./numbers.js";
export * from "./readme.js";
export * from "./recordsTable.js";
export * from "./sentences.js";
export * from "./trainingTables.js";
export * from "./worthTable.js";
