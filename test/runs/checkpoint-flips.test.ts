import { strict as assert } from "node:assert";
import { flipCheckpoint } from "./flips.js";

describe("a checkpoint with a flipped bit", () => {
  it("is refused in a sentence, never gone on from", async function () {
    this.timeout(60_000);
    const { refused } = await flipCheckpoint(() => 50);
    assert.ok(refused >= 45, `${refused} of 50 flips were refused`);
  });
});
