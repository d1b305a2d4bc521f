import { strict as assert } from "node:assert";
import fc from "fast-check";
import { anchorGroups, gigpo, similarityRatio, SimilarStates, type Group } from "../../lib/grpo/index.js";

describe("similarity of states", () => {
  // Worked out with Python: difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()
  const golden: [a: string, b: string, ratio: number][] = [
    ["abcd", "bcde", 0.75],
    ["red mug page 1", "red mug page 2", 0.9285714285714286],
    ["qabxcd", "abycdf", 0.6666666666666666],
    ["private volatile int", "volatile private int", 0.6],
    ["", "", 1],
    ["abc", "", 0],
  ];
  it("is Python's difflib ratio", () => {
    for (const [a, b, ratio] of golden) assert.equal(similarityRatio(a, b), ratio, `${a} / ${b}`);
  });

  it("is 1 for equal texts only, and between 0 and 1", () => {
    const text = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const ratio = similarityRatio(a, b);
        assert.ok(ratio >= 0 && ratio <= 1);
        assert.equal(ratio === 1, a === b);
      }),
    );
  });

  it("puts a text into the first state that it is like", () => {
    const states = new SimilarStates(0.9);
    const of = (text: string): string => states.stateOf(text);
    assert.equal(of("red mug page 1"), "red mug page 1");
    assert.equal(of("red mug page 2"), "red mug page 1");
    assert.equal(of("a quite different page"), "a quite different page");
    assert.equal(of("red mug page 2"), "red mug page 1");
  });

  it("needs the threshold itself, and more than length in common", () => {
    const joined = (threshold: number, first: string, second: string): boolean => {
      const states = new SimilarStates(threshold);
      assert.equal(states.stateOf(first), first);
      return states.stateOf(second) === first;
    };
    assert.ok(joined(0.75, "abcde", "abc"), "2·3 / 8");
    assert.ok(!joined(0.76, "abcde", "abc"));
    assert.ok(!joined(0.75, "abcd", "wxyz"), "of one length, with nothing in common");
    assert.ok(joined(0.5, "", ""));
    assert.ok(!joined(0.5, "", "a"));
  });

  it("makes GiGPO compare actions in states that are nearly the same", () => {
    const turn = (anchor: string, reward: number): Group["rollouts"][number]["turns"][number] => ({
      promptIds: [1],
      responseIds: [2],
      oldLogProbs: [-1],
      reward,
      formatValid: true,
      admissible: true,
      truncated: false,
      anchor,
    });
    const group: Group = {
      task: "t",
      rollouts: [1, 0].map((value, i) => ({
        turns: [turn(`results for mugs, page ${i}`, value)],
        return: value,
        success: value === 1,
        score: value,
      })),
    };
    assert.deepEqual(gigpo(group).step, [[0], [0]]);
    assert.deepEqual(gigpo(group, { similarity: 0.9 }).step, [[0.5], [-0.5]]);
    assert.equal(anchorGroups(group, 0.9).size, 1);
  });
});
