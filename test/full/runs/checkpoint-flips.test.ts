import { strict as assert } from "node:assert";
import { flipCheckpoint } from "../../runs/flips.js";

describe("a checkpoint with a flipped bit, many times", () => {
  it("is refused in a sentence, never gone on from: 200 in each file", async function () {
    this.timeout(1_200_000);
    const { refused, flips } = await flipCheckpoint((files) => 200 * files);
    process.stderr.write(`      ${refused} of ${flips} flips were refused\n`);
    assert.ok(refused >= flips * 0.9, `${refused} of ${flips} flips were refused`);
  });
});
