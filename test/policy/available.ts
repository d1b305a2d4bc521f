import { currentBackend, useBackend, type BackendName } from "../../lib/tensor/index.js";

/** A backend to run tests on, if it is here. */
export interface TestBackend {
  readonly name: BackendName;
  /** Makes it current, or skips the tests of this block, saying why. */
  use(context: Mocha.Context): Promise<void>;
}

/** Backends to repeat a block of tests on. Those that are absent are skipped when their turn comes. */
export function testBackends(names: readonly BackendName[]): TestBackend[] {
  return names.map((name) => ({
    name,
    async use(context) {
      if (currentBackend() === name) return;
      try {
        await useBackend(name);
      } catch (error) {
        process.stderr.write(`    (${name} is not tested: ${(error as Error).message})\n`);
        context.skip();
      }
    },
  }));
}
