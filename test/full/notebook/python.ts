/** The Python that has Jupyter's parts, where one is found. */
import { spawnSync } from "node:child_process";

/** Tried in this order; AISLE_PYTHON names one of a virtual environment. */
const PYTHONS = [process.env["AISLE_PYTHON"], "python3", "/usr/bin/python3"];

/** A Python that can import all these modules; otherwise skips the suite that asks, and prints why. */
export function pythonWith(suite: Mocha.Suite, ...modules: string[]): string {
  const found = PYTHONS.find(
    (python) => python && spawnSync(python, ["-c", `import ${modules.join(", ")}`]).status === 0,
  );
  if (found) return found;
  // Before the suite's own hooks, which would start what is not there.
  suite.beforeAll(function () {
    this.skip();
  });
  process.stderr.write(
    `      skipped: no Python here has ${modules.join(" and ")} (AISLE_PYTHON names one that has)\n`,
  );
  return "python3";
}
