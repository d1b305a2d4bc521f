import { strict as assert } from "node:assert";
import { bundled, microBatches, packedLength } from "../../lib/policy/pack.js";

describe("sequences that begin alike", () => {
  it("are one bundle, in order of first appearance", () => {
    const sequences = [
      [1, 2],
      [3, 0],
      [1, 2],
      [3, 1],
      [1, 2],
    ].map((promptIds, i) => ({
      promptIds,
      responseIds: [5 + i],
    }));
    const bundles = bundled(sequences);
    assert.deepEqual(
      bundles.map(({ members }) => members),
      [[0, 2, 4], [1], [3]],
    );
    assert.deepEqual(bundles[0], {
      prompt: [1, 2],
      completions: [{ ids: [5] }, { ids: [7] }, { ids: [9] }],
      members: [0, 2, 4],
    });
  });

  it("are packed behind what they share, with only the responses scored", () => {
    const bundles = bundled(
      [
        { promptIds: [1, 2, 3, 4], sharedTokens: 2 },
        { promptIds: [1, 2] },
        { promptIds: [1, 2, 5], sharedTokens: 2, scored: [false, true] },
      ].map((row) => ({ ...row, responseIds: [8, 9] })),
    );
    assert.deepEqual(bundles, [
      {
        prompt: [1, 2],
        completions: [
          { ids: [3, 4, 8, 9], scored: [false, false, true, true] },
          { ids: [5, 8, 9], scored: [false, false, true] },
        ],
        members: [0, 2],
      },
      { prompt: [1, 2], completions: [{ ids: [8, 9] }], members: [1] },
    ]);
  });

  it("stay apart where they say so", () => {
    const keys = [0, 1, 0, undefined, "0", undefined];
    const bundles = bundled(
      keys.map((packWith) => ({
        promptIds: [1],
        responseIds: [2],
        ...(packWith === undefined ? {} : { packWith }),
      })),
    );
    assert.deepEqual(
      bundles.map(({ members }) => members),
      [[0, 2], [1], [3, 5], [4]],
    );
  });

  it("fill micro-batches in order, a long one alone", () => {
    const bundles = [4, 3, 20, 2, 5].map((length) => ({
      prompt: new Array<number>(length).fill(1),
      completions: [{ ids: [1] }],
    }));
    assert.deepEqual(
      microBatches(bundles, 8).map((batch) => batch.map(packedLength)),
      [[4, 3], [20], [2, 5]],
    );
  });
});
