import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { stream } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/backends/index.js";
import { f32, i32, ModuleBuilder, vec, Value } from "../../../lib/tensor/backends/wasm/assembler.js";
import { wasmRuntime } from "../../../lib/tensor/backends/wasm/runtime.js";

describe("the assembler", () => {
  it("refuses to mix types", () => {
    assert.throws(() => i32(1).add(f32(1)), /No such operation/);
    assert.throws(() => i32(1).div(2), /No such operation/);
    const module = new ModuleBuilder();
    module.function("f", { x: "i32" }, (f, { x }) => {
      assert.throws(() => f.set(x, vec(1)), /cannot hold/);
      assert.throws(() => f.call("g"), /no function g/);
    });
  });

  it("encodes constants of every size", () => {
    // signed LEB128, from the WebAssembly specification's definition
    assert.deepEqual(i32(0).code, [0x41, 0x00]);
    assert.deepEqual(i32(63).code, [0x41, 0x3f]);
    assert.deepEqual(i32(64).code, [0x41, 0xc0, 0x00]);
    assert.deepEqual(i32(-1).code, [0x41, 0x7f]);
    assert.deepEqual(i32(-129).code, [0x41, 0xff, 0x7e]);
    assert.deepEqual(f32(1).code, [0x43, 0, 0, 0x80, 0x3f]);
    assert.ok(vec(1) instanceof Value);
  });
});

describe("the exponential of the kernels", () => {
  before(() => useBackend("wasm"));

  /** `silu(x) · 1` is `x / (1 + e^-x)`: it shows e^-x. */
  it("is accurate to a few units in the last place, and saturates", () => {
    const runtime = wasmRuntime()!;
    const r = stream(1, "exponential");
    const xs = Float32Array.from({ length: 4001 }, () => 60 * r.next() - 30);
    xs.set([0, -0, 1e-30, 100, -86, 3e38, 1]);
    tf.tidy(() => {
      const [x, ones] = [tf.tensor1d(xs), tf.ones([xs.length])];
      const out = runtime.output([xs.length]);
      runtime.run("swiGlu", runtime.address(x), runtime.address(ones), runtime.address(out), xs.length);
      out.dataSync().forEach((y, i) => {
        const want = xs[i]! / (1 + Math.exp(-xs[i]!));
        assert.ok(Math.abs(y - want) <= 6e-7 * Math.abs(want), `silu(${xs[i]}) = ${y}, not ${want}`);
      });
    });
  });

  it("keeps what is not a number", () => {
    tf.tidy(() => {
      const runtime = wasmRuntime()!;
      const x = tf.tensor1d([NaN, 1, NaN, 2, NaN]);
      const out = runtime.output([5]);
      runtime.run("swiGlu", runtime.address(x), runtime.address(x), runtime.address(out), 5);
      assert.deepEqual([...out.dataSync()].map(Number.isNaN), [true, false, true, false, true]);
    });
  });
});
