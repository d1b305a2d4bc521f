import { strict as assert } from "node:assert";
import {
  anchorGraph,
  anchorHistogram,
  type Group,
  instructiveAnchors,
  type Turn,
} from "../../lib/grpo/index.js";

const turn = (anchor: string, action: number, reward: number): Turn => ({
  promptIds: [1],
  responseIds: [action],
  oldLogProbs: [-1],
  reward,
  formatValid: true,
  admissible: true,
  truncated: false,
  anchor,
});
const rollout = (...turns: readonly Turn[]): Group["rollouts"][number] => ({
  turns,
  return: turns.reduce((sum, { reward }) => sum + reward, 0),
  success: false,
  score: 0,
});

/** Returns 8, 2, 4 and 0. "start" is met four times, "page" twice with nearly the same in both, "end" once. */
const group: Group = {
  task: "t",
  rollouts: [
    rollout(turn("page", 7, 1), turn("start", 5, 7)),
    rollout(turn("start", 6, 2)),
    rollout(turn("start", 5, 1), turn("page", 8, 2), turn("end", 9, 1)),
    rollout(turn("start", 6, 0)),
  ],
};
const actionOf = (i: number, t: number): string => `press ${group.rollouts[i]!.turns[t]!.responseIds[0]}`;

describe("the states of a group", () => {
  it("are counted by how often they were met, the rare ones first", () => {
    assert.deepEqual(
      [...anchorHistogram([group])],
      [
        [1, 1],
        [2, 2],
        [4, 4],
      ],
    );
    // Twice the group: its groups are apart, and so are their states.
    assert.deepEqual(
      [...anchorHistogram([group, group])],
      [
        [1, 2],
        [2, 4],
        [4, 8],
      ],
    );
  });

  it("teach by how far their actions' returns lie apart, times their visits", () => {
    // Step returns with γ = 1: start 7, 2, 4, 0 (mean 3.25); page 8, 3 (mean 5.5).
    const states = instructiveAnchors(group, actionOf, { gamma: 1 });
    assert.deepEqual(states, [
      {
        state: "start",
        visits: 4,
        teaches: (3.75 + 1.25 + 0.75 + 3.25) / 4,
        tried: [
          { action: "press 5", count: 2, meanReturn: 5.5, advantage: 2.25 },
          { action: "press 6", count: 2, meanReturn: 1, advantage: -2.25 },
        ],
      },
      {
        state: "page",
        visits: 2,
        teaches: 2.5,
        tried: [
          { action: "press 7", count: 1, meanReturn: 8, advantage: 2.5 },
          { action: "press 8", count: 1, meanReturn: 3, advantage: -2.5 },
        ],
      },
    ]);
  });

  it("come by what they teach in all, whichever was met first", () => {
    // "one" is met twice and teaches 10 a visit, "many" four times and 1 a visit; "most" four times and 6 a visit.
    const of = (anchor: string, returns: readonly number[]): Turn[] => returns.map((r) => turn(anchor, r, r));
    const turns = [of("many", [1, -1, 1, -1]), of("one", [10, -10]), of("most", [6, -6, 6, -6])];
    for (const order of [turns, [...turns].reverse()]) {
      const each: Group = { task: "t", rollouts: order.flat().map((one) => rollout(one)) };
      const states = instructiveAnchors(each, (i) => String(each.rollouts[i]!.turns[0]!.responseIds[0]));
      assert.deepEqual(
        states.map(({ state, teaches }) => [state, teaches]),
        [
          ["most", 6],
          ["one", 10],
          ["many", 1],
        ],
      );
    }
  });

  it("name actions of equal advantage by the alphabet", () => {
    const equal: Group = {
      task: "t",
      rollouts: [3, 1, 2].map((action) => rollout(turn("start", action, 1))),
    };
    const [state] = instructiveAnchors(equal, (i) => "cab"[i]!);
    assert.deepEqual(
      state!.tried.map(({ action }) => action),
      ["a", "b", "c"],
    );
  });

  it("are the nodes of a graph whose edges are actions, with what came of them", () => {
    const { nodes, edges } = anchorGraph(group, actionOf);
    assert.deepEqual(nodes, [
      { id: 0, state: "page", visits: 2, meanReturn: (8 + 4) / 2, depth: 0 },
      { id: 1, state: "start", visits: 4, meanReturn: (8 + 2 + 4 + 0) / 4, depth: 0 },
      { id: 2, state: "end", visits: 1, meanReturn: 4, depth: 2 },
      { id: 3, state: null, visits: 4, meanReturn: (8 + 2 + 4 + 0) / 4, depth: 3 },
    ]);
    assert.deepEqual(edges, [
      { from: 0, to: 1, action: "press 7", count: 1, meanReturn: 8 },
      { from: 1, to: 3, action: "press 5", count: 1, meanReturn: 8 },
      { from: 1, to: 3, action: "press 6", count: 2, meanReturn: 1 },
      { from: 1, to: 0, action: "press 5", count: 1, meanReturn: 4 },
      { from: 0, to: 2, action: "press 8", count: 1, meanReturn: 4 },
      { from: 2, to: 3, action: "press 9", count: 1, meanReturn: 4 },
    ]);
  });
});
