/** `npm start` with one notebook, as a real command. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { aisle } from "../../notebook/helpers.js";

describe("reproduce", function () {
  this.timeout(300_000);

  it("runs one notebook of another profile beside the committed ones", async () => {
    const before = readFileSync("notebooks/00-start-here.ipynb", "utf8");
    const { code, stdout, stderr } = await aisle([
      "reproduce",
      "--profile",
      "smoke",
      "--only",
      "00",
      "--no-results",
    ]).ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\[1\/1\] notebooks\/00-start-here\.ipynb: done in/);
    assert.equal(stdout, "");
    assert.equal(readFileSync("notebooks/00-start-here.ipynb", "utf8"), before);
    const ran = JSON.parse(readFileSync("data/tmp/notebooks-smoke/00-start-here.ipynb", "utf8")) as {
      cells: { execution_count?: number }[];
    };
    assert.ok(ran.cells.some(({ execution_count }) => execution_count === 1));
  });
});
