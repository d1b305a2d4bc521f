/** Notebooks: running them without a Jupyter, and what cells need to show things. */
export { CellError, runNotebook, type RunOptions, type RunProgress, type RunResult } from "./run.js";
export {
  formatNotebook,
  parseNotebook,
  readNotebook,
  writeNotebook,
  type Cell,
  type Notebook,
  type Output,
} from "./nbformat.js";
export { parametersOf, parseParameters, type Parameter } from "./parameters.js";
