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
export { parametersOf, parseParameters, type Parameter, type ParameterValue } from "./parameters.js";
export { readParameterFile } from "./parameter-file.js";
export { clearOutput, display, liveDisplay, page, type LiveDisplay, type MimeBundle } from "./display.js";
export {
  installedHere,
  installKernelspec,
  KERNEL_NAME,
  KERNEL_PATH,
  uninstallKernelspec,
  userDataFolder,
} from "./kernelspec.js";
export { findJupyter, openJupyter, type JupyterApp } from "./jupyter.js";
export { startKernelClient, type KernelClient, type KernelOptions } from "./client.js";
export { checkKernel, jupyterVersion, modelFolders, versionOf, type KernelHealth } from "./doctor.js";
export { quietenTensorflow } from "./kernel/quiet.js";
export { estimateNotebook, type NotebookEstimate } from "./estimate.js";
