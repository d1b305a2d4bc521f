import { strict as assert } from "node:assert";
import { type EpisodeResult, scoreAndSuccess, summarize } from "../../lib/records/index.js";

const episode = (seed: number, goal: number, reward: number): EpisodeResult => ({
  ...{ seed, goal, reward, bought: reward > 0, steps: 3 },
  ...{ rType: 1, rAtt: reward, rOption: null, rPrice: 1, attributes: 2, options: 0 },
});

describe("score and success without intervals", () => {
  it("are those with intervals", () => {
    const results = [episode(0, 1, 0.3), episode(0, 2, 1), episode(1, 1, 0.7), episode(1, 2, 1)];
    const { score, successRate } = summarize(results, { resamples: 20 });
    assert.deepEqual(scoreAndSuccess(results), { score: 75, successRate: 50 });
    assert.deepEqual([score.value, successRate.value], [75, 50]);
  });

  it("want at least one episode", () => {
    assert.throws(() => scoreAndSuccess([]), /no result/);
  });
});
