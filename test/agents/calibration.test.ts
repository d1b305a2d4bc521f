import assert from "node:assert/strict";
import { agentNamed, type Trajectory } from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { defaultCatalogue, type DiskCatalogue } from "../../lib/simulator/catalogue/index.js";
import { type Environment, openEnvironment } from "../../lib/simulator/index.js";

/** The task has WebShop's shape: its baselines score on our default shop what they score there (docs/shop.md). */
describe("the default shop's calibration, over its 500 test goals", function () {
  this.timeout(60_000);
  let catalogue: DiskCatalogue;
  let environment: Environment;

  before(async () => {
    catalogue = await defaultCatalogue();
    environment = openEnvironment(catalogue);
  });
  after(() => catalogue.close());

  /** Score, success rate and the parts' means, in per cent. */
  async function play(name: string) {
    const agent = await agentNamed(name);
    const played: Trajectory[] = [];
    for (let goal = 0; goal < 500; goal++) {
      played.push(await agent.play(environment, goal, stream(0, "evaluate", goal)));
    }
    const mean = (value: (trajectory: Trajectory) => number, of = played): number =>
      (100 * of.reduce((sum, trajectory) => sum + value(trajectory), 0)) / of.length;
    return {
      score: mean(({ reward }) => reward),
      success: mean(({ reward }) => (reward === 1 ? 1 : 0)),
      attributes: mean(({ parts }) => parts?.rAtt ?? 0),
      options: mean(
        ({ parts }) => parts?.rOption ?? 0,
        played.filter(({ goal }) => catalogue.goal(goal).options.length > 0),
      ),
      type: mean(({ parts }) => parts?.rType ?? 0),
      price: mean(({ parts }) => parts?.rPrice ?? 0),
    };
  }

  const within = (value: number, low: number, high: number): void =>
    assert.ok(value >= low && value <= high, `${value.toFixed(1)} is not in ${low}–${high}`);

  it("has enough goals", () => {
    assert.equal(catalogue.size, 10_000);
    within(catalogue.goalCount, 3500, 4500);
  });

  it("rule: 45.6 and 9.6 % success in WebShop, with parts 66.6, 0.0, 80.5, 86.0", async () => {
    const rule = await play("rule");
    within(rule.score, 42, 50);
    within(rule.success, 7, 13);
    within(rule.attributes, 60, 73);
    assert.equal(rule.options, 0);
    within(rule.type, 75, 86);
    within(rule.price, 82, 91);
  });

  it("choice oracle: 94.9 and 85.4 % success in WebShop", async () => {
    const oracle = await play("oracle");
    within(oracle.score, 92.5, 97);
    within(oracle.success, 82, 89);
  });

  it("leaves room to learn: matching words scores well above rule and well below the oracle", async () => {
    const match = await play("match");
    within(match.score, 60, 75);
    within(match.success, 20, 45);
  });

  it("random scores far below rule", async () => {
    const random = await play("random");
    within(random.score, 5, 30);
    within(random.success, 0, 8);
  });
});
