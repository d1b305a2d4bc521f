/** What `npm start` and `aisle doctor` say, as real commands. */
import assert from "node:assert/strict";
import { planInWords, type Plan } from "../../lib/cli/reproduce/plan.js";
import { aisle } from "../notebook/helpers.js";

describe("reproduce", function () {
  this.timeout(60000);

  it("refuses a profile or a notebook that is not there, naming those that are", async () => {
    const [profile, only] = await Promise.all([
      aisle(["reproduce", "--profile", "large"]).ended,
      aisle(["reproduce", "--only", "00,77"]).ended,
    ]);
    assert.equal(profile.code, 2);
    assert.match(profile.stderr, /smoke, seminar, thesis/);
    assert.equal(only.code, 2);
    assert.match(only.stderr, /no notebook begins with "77"; there are 00-start-here\.ipynb/);
  });

  it("says at once what it will do and how long it takes", () => {
    const notebook = { file: "notebooks/00-a.ipynb", title: "A", cells: 7, seconds: 75, parameters: [] };
    const plan: Plan = {
      profile: "seminar",
      force: false,
      notebooks: [notebook],
      outOf: ({ file }) => file,
      makeShop: true,
      results: true,
      thesis: true,
      seconds: 95,
    };
    const words = planInWords(plan);
    assert.match(words, /^Aisle, profile seminar: about 1 min 35 s\.\n/);
    assert.match(words, /notebooks\/00-a\.ipynb +7 cells, +1 min 15 s {2}A\n/);
    assert.match(words, /the shop .*made on this first run/);
    assert.match(words, /thesis/);
  });
});

describe("doctor", function () {
  this.timeout(120000);

  it("prints the promised object", async () => {
    const { code, stdout, stderr } = await aisle(["doctor", "--json"]).ended;
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

describe("lab", () => {
  it("says how to get a Jupyter where there is none", async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: the stand-in for a shell is not there\n");
      this.skip();
    }
    const { code, stderr } = await aisle(["lab"], { PATH: "/nonexistent" }).ended;
    assert.equal(code, 1);
    assert.match(stderr, /^aisle: Install JupyterLab first[^\n]*\n[\s\S]*aisle notebook FILE/);
  });
});
