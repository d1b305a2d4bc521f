import assert from "node:assert/strict";
import { stream } from "../../lib/base/index.js";
import { bootstrap, bootstrapTwoLevel } from "../../lib/stats/index.js";

/** Share of simulated studies whose 95 % interval holds the truth. */
function coverage(studies: number, holds: (study: number) => boolean): number {
  let hits = 0;
  for (let study = 0; study < studies; study++) if (holds(study)) hits++;
  return hits / studies;
}

describe("coverage of the 95 % intervals, by simulation", () => {
  it("over goals: rewards that pile up at a few values", function () {
    this.timeout(20_000);
    const rewards = [0, 0, 0.25, 0.5, 0.5, 2 / 3, 0.75, 1];
    const truth = rewards.reduce((a, b) => a + b, 0) / rewards.length;
    const found = coverage(500, (study) => {
      const random = stream(1, "coverage", study);
      const sample = Array.from({ length: 100 }, () => random.pick(rewards));
      const { lo, hi } = bootstrap(sample, { resamples: 600, seed: study });
      return lo <= truth && truth <= hi;
    });
    // the standard error of 500 studies is 1 %; percentile intervals of 100 values run about half a point short
    assert.ok(found > 0.92 && found < 0.975, `covered ${found}`);
  });

  it("over goals and seeds, where treating all episodes as independent falls short", function () {
    this.timeout(20_000);
    const seeds = 8;
    const goals = 40;
    let short = 0;
    const studies = 250;
    const found = coverage(studies, (study) => {
      const random = stream(2, "coverage", study);
      const bySeed = Array.from({ length: seeds }, () => 0.3 * random.normal());
      const byGoal = Array.from({ length: goals }, () => random.normal());
      const cells = bySeed.map((s) => byGoal.map((g) => s + g + 0.5 * random.normal()));
      const { lo, hi } = bootstrapTwoLevel([cells], { resamples: 400, seed: study })[0]!;
      const flat = bootstrap(cells.flat(), { resamples: 200, seed: study });
      if (flat.lo <= 0 && 0 <= flat.hi) short++;
      return lo <= 0 && 0 <= hi;
    });
    assert.ok(found > 0.9, `two levels covered ${found}`);
    assert.ok(short / studies < 0.7, `one level covered ${short / studies}`);
  });

  it("over goals and three seeds, as the study has them", function () {
    this.timeout(20_000);
    const studies = 300;
    const found = coverage(studies, (study) => {
      const random = stream(3, "coverage", study);
      const bySeed = Array.from({ length: 3 }, () => 0.02 * random.normal()); // two points of score
      const byGoal = Array.from({ length: 200 }, () => 0.3 * random.normal());
      const cells = bySeed.map((s) => byGoal.map((g) => s + g + 0.25 * random.normal()));
      const { lo, hi } = bootstrapTwoLevel([cells], { resamples: 400, seed: study })[0]!;
      return lo <= 0 && 0 <= hi;
    });
    assert.ok(found > 0.92 && found < 0.98, `covered ${found}`);
  });
});
