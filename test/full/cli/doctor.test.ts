import assert from "node:assert/strict";
import { aisle } from "../../cli/run.js";

describe("aisle doctor, with every backend tried and a kernel started", function () {
  this.timeout(120000);

  it("prints the promised object", async () => {
    const { code, stdout, stderr } = await aisle(["doctor", "--json"]);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    const keys = [
      "node",
      "npm",
      "backends",
      "selected",
      "kernel",
      "jupyter",
      "latex",
      "rsvg",
      "data",
      "models",
    ];
    assert.deepEqual(Object.keys(report), keys);
    assert.equal(report["node"], process.versions.node);
    const backends = report["backends"] as {
      name: string;
      available: boolean;
      reason?: string;
      gflops?: number;
    }[];
    assert.deepEqual(
      backends.map(({ name }) => name),
      ["tensorflow", "webgpu", "native", "wasm", "cpu"],
    );
    for (const { available, reason, gflops } of backends)
      assert.ok(available ? gflops! > 0 : reason!.length > 0);
    assert.ok(backends.find(({ name }) => name === "wasm")!.available);
    assert.equal((report["kernel"] as { works: boolean }).works, true);
  });
});
