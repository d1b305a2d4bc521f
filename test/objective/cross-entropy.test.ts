import { strict as assert } from "node:assert";
import { crossEntropyLoss, evaluateLoss, partOf, registerLoss } from "../../lib/objective/index.js";

describe("the cross-entropy loss", () => {
  const loss = crossEntropyLoss([{ weights: [0.5, 0.25] }, { weights: [-1] }]);
  const scores = [
    { logProbs: [-1, -2], entropies: [0, 0] },
    { logProbs: [-4], entropies: [0] },
  ];

  it("is the weighted sum of −log p, with its derivative", () => {
    const { loss: value, logProbGradients, entropyGradients } = evaluateLoss(loss, scores);
    assert.equal(value, 0.5 + 0.5 - 4);
    assert.deepEqual(logProbGradients, [[-0.5, -0.25], [1]]);
    assert.equal(entropyGradients, undefined);
  });

  it("is plain data: it survives a copy, and a part of it is the loss of its rows", () => {
    const copy = structuredClone(loss);
    assert.deepEqual(JSON.parse(JSON.stringify(loss)), copy);
    const part = evaluateLoss(partOf(copy, [1]), [scores[1]!]);
    assert.deepEqual([part.loss, part.logProbGradients], [-4, [[1]]]);
  });

  it("keeps its name to itself", () => {
    const other = { kind: "cross-entropy", evaluate: () => ({ loss: 0, logProbGradients: [] }) };
    assert.throws(() => registerLoss(other), /a loss "cross-entropy" already/);
    assert.throws(() => registerLoss(other, "file:///mine.ts"), /already/);
  });
});
