import { strict as assert } from "node:assert";
import { flipCheckpoint } from "../../runs/flips.js";

describe("a checkpoint with a flipped bit, many times", () => {
  it("is refused in a sentence, never gone on from", async function () {
    this.timeout(300_000);
    const refused = await flipCheckpoint(200);
    assert.ok(refused >= 180, `${refused} of 200 flips were refused`);
  });
});
