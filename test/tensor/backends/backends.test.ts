import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as tf from "@tensorflow/tfjs";
import { InputError, stream } from "../../../lib/base/index.js";
import {
  BACKENDS,
  currentBackend,
  probeBackend,
  selectBackend,
  useBackend,
} from "../../../lib/tensor/backends/index.js";

function product(): Float32Array {
  return tf.tidy(() => {
    const r = stream(1, "backends");
    const [a, b] = [0, 1].map(() =>
      tf.tensor2d(
        Float32Array.from({ length: 90000 }, () => r.next()),
        [300, 300],
      ),
    );
    return tf.matMul(a!, b!).dataSync() as Float32Array;
  });
}

describe("backends", () => {
  it("wasm is what every profile but the thesis gets", async () => {
    assert.equal(await selectBackend({ profile: "seminar", requested: "" }), "wasm");
    assert.equal(currentBackend(), "wasm");
    assert.equal(tf.getBackend(), "wasm");
  });

  it("one that is asked for goes before the profile", async () => {
    assert.equal(await selectBackend({ profile: "seminar", requested: "cpu" }), "cpu");
    assert.equal(tf.getBackend(), "cpu");
  });

  it("starting one leaves the process's handling of errors as it was", () => {
    const script = `
      const { useBackend } = await import("./lib/tensor/backends/index.js");
      await useBackend("wasm");
      console.log(process.listenerCount("uncaughtException"), process.listenerCount("unhandledRejection"));`;
    const { stdout } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    assert.equal(stdout.toString().trim(), "0 0");
  });

  it("an unknown name is refused with the names there are", async () => {
    await assert.rejects(selectBackend({ requested: "cuda" }), (error: Error) => {
      assert.ok(error instanceof InputError);
      for (const name of BACKENDS) assert.ok(error.message.includes(name));
      return true;
    });
  });

  it("probing a backend computes with it", async () => {
    const [wasm, cpu] = [await probeBackend("wasm"), await probeBackend("cpu")];
    assert.ok(wasm.available && wasm.gflops! > 0);
    assert.ok(cpu.available && cpu.gflops! > 0);
  });

  it("a probe that gets no answer says so", async () => {
    const { available, reason } = await probeBackend("wasm", 1);
    assert.deepEqual({ available, reason }, { available: false, reason: "it did not answer in time" });
  });

  it("an absent backend is one clear sentence, here and in the probe", async function () {
    let absent: InputError | undefined;
    try {
      await useBackend("tensorflow");
    } catch (error) {
      absent = error as InputError;
    }
    if (absent === undefined) {
      process.stderr.write("  tensorflow is present here: its absence cannot be tested.\n");
      this.skip();
    }
    assert.ok(absent instanceof InputError);
    assert.match(absent.message, /^The backend tensorflow is not present .* or use wasm\.$/);
    const probe = await probeBackend("tensorflow");
    assert.equal(probe.available, false);
    assert.match(probe.reason!, /tensorflow is not present/);
  });

  it("going to native and back changes only native's bits", async function () {
    await useBackend("wasm");
    const before = product();
    try {
      await useBackend("native");
    } catch (error) {
      process.stderr.write(`  native is not tested: ${(error as Error).message}\n`);
      this.skip();
    }
    const native = product();
    native.forEach((x, i) => assert.ok(Math.abs(x - before[i]!) < 1e-3));
    await useBackend("wasm");
    assert.deepEqual(product(), before);
  });
});
