/** Runs: what a configuration starts. Trainings, evaluations and sweeps of them, and the agents that trainings leave behind. */
export * from "./agent-of.js";
export type { Cost, Price } from "./cost.js";
export * from "./evaluate.js";
export * from "./kinds/index.js";
export {
  type Aisle,
  type Completer,
  type Environment,
  loadPlugins,
  type Plugin,
  takePlugins,
} from "./plugins.js";
export { withSettings } from "./settings.js";
export * from "./sweeps/index.js";
export * from "./training/index.js";
