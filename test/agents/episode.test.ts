import assert from "node:assert/strict";
import { aisle } from "../cli/run.js";

const episode = (...args: string[]): ReturnType<typeof aisle> => aisle(["episode", ...args]);

describe("aisle episode", function () {
  this.timeout(60_000);

  it("prints goal, steps, reward and parts as one JSON object, the same each time", async () => {
    const { code, stdout, stderr } = await episode("--agent", "oracle", "--goal", "7", "--json");
    assert.equal(code, 0, stderr);
    const { goal, steps, reward, parts } = JSON.parse(stdout) as {
      goal: { index: number; instruction: string };
      steps: { observation: string; action: string; reward: number }[];
      reward: number;
      parts: { total: number };
    };
    assert.equal(goal.index, 7);
    assert.equal(steps[0]!.action, `search[${goal.instruction}]`);
    assert.equal(steps[steps.length - 1]!.action, "click[buy now]");
    assert.ok(steps.every(({ observation }) => observation.includes(goal.instruction)));
    assert.equal(reward, parts.total);
    assert.deepEqual(
      steps.map((step) => step.reward),
      [...steps.slice(1).map(() => 0), reward],
    );
    assert.equal((await episode("--agent", "oracle", "--goal", "7", "--json")).stdout, stdout);
  });

  it("shows an episode to people: the request, each step, what was meant and why the reward", async () => {
    const { code, stdout } = await episode("--agent", "rule", "--goal", "7", "--mode", "text_rich");
    assert.equal(code, 0);
    for (const part of ["rule plays goal 7", "does  click[buy now]", "What was meant", "Reward", "price"]) {
      assert.ok(stdout.includes(part), part);
    }
  });

  it("refuses an unknown agent, goal or mode in one sentence", async () => {
    const cases: [string[], RegExp][] = [
      [["--agent", "nobody", "--goal", "0"], /no agent "nobody"/],
      [["--agent", "rule", "--goal", "999999"], /no goal 999999/],
      [["--agent", "rule", "--goal", "0", "--mode", "video"], /--mode must be one of/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await episode(...args);
      assert.equal(code, 2, args.join(" "));
      assert.equal(stdout, "");
      assert.match(stderr, message);
    }
  });
});
