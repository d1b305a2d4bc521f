import { addBenchPolicy } from "./bench/policy.js";
import { addBenchSearch } from "./bench/search.js";
import { addBenchSimulator } from "./bench/simulator.js";
import type { AddVerb } from "./verb.js";

/** `aisle bench …`: the measurements behind the budgets, as ratios where a peer is present. */
export const addBench: AddVerb = (program) => {
  const bench = program.command("bench").description("measure speed and memory against the budgets");
  addBenchPolicy(bench);
  addBenchSearch(bench);
  addBenchSimulator(bench);
};
