/** An interrupt stops what a cell has started: its loops and its waits (its training: test/full/notebook). */
import assert from "node:assert/strict";
import { TestKernel, textOf, until } from "./helpers.js";

describe("an interrupt", function () {
  this.timeout(120000);
  if (process.platform === "win32") return;
  const kernel = new TestKernel();

  it("comes through by Jupyter's message and by the signal, whether the cell waits or computes", async () => {
    for (const rest of ["await new Promise(() => {});", "for (;;) {}"])
      for (const way of ["message", "signal"]) {
        // Not in the very moment in which Node begins or ends to watch for the signal, where it may miss one.
        const signal = (): void => void setTimeout(() => process.kill(kernel.kernel.pid, "SIGINT"), 300);
        const send = way === "signal" ? signal : undefined;
        const { status, outputs } = await kernel.interrupted(`console.log("ready");\n${rest}`, send);
        assert.equal(status, "error", `${way}: ${rest}`);
        assert.match(JSON.stringify(outputs.at(-1)), /Interrupted: the cell was interrupted/);
      }
    assert.equal(await kernel.value("1 + 1"), "2");
  });

  it("lets no await of the cell go on", async () => {
    const { outputs } = await kernel.interrupted(
      'let rounds = 0;\nconsole.log("ready");\nfor (;;) {\n  await new Promise((resolve) => setTimeout(resolve, 20));\n  rounds++;\n}',
    );
    assert.match(JSON.stringify(outputs.at(-1)), /interrupted/);
    const rounds = Number(
      await kernel.value("await new Promise((resolve) => setTimeout(resolve, 100));\nrounds"),
    );
    assert.ok(rounds >= 0);
    assert.equal(
      Number(await kernel.value("await new Promise((resolve) => setTimeout(resolve, 300));\nrounds")),
      rounds,
    );
  });

  it("aborts the signal that the cell's code has asked for, also after the cell has ended", async () => {
    const own = await kernel.interrupted(`import { interruptSignal } from "./lib/base/index.js";
const signal = interruptSignal()!;
console.log("ready");
await new Promise<void>((resolve) => signal.addEventListener("abort", () => { console.log("tidied up"); resolve(); }));
console.log("never");`);
    assert.equal(textOf(own.outputs), "ready\ntidied up\n");
    assert.equal(await kernel.value("signal.aborted"), "true");

    const { outputs } = await kernel.run(`const later = interruptSignal()!;
later.addEventListener("abort", () => console.log("stopped"));`);
    kernel.kernel.interrupt();
    await until(() => textOf(outputs) === "stopped\n");
  });

  it("does not wait for a promise to stop when it comes twice", async () => {
    const timer = setTimeout(() => kernel.kernel.interrupt(), 1500);
    const { status, outputs } = await kernel.interrupted(
      'import { interruptSignal } from "./lib/base/index.js";\ninterruptSignal();\nconsole.log("ready");\nawait new Promise(() => {});',
    );
    clearTimeout(timer);
    assert.equal(status, "error");
    assert.match(JSON.stringify(outputs.at(-1)), /the cell was interrupted/);
  });
});
