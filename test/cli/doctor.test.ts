import { strict as assert } from "node:assert";
import { inWords } from "../../lib/cli/doctor.js";

describe("aisle doctor", () => {
  const reason =
    'The backend tensorflow is not present (@tensorflow/tfjs-node-gpu: Cannot find package); run "npx aisle setup gpu", or use wasm.';
  const models = ["data/models/base", "data/models/il"].concat(
    Array.from({ length: 36 }, (_, i) => `data/runs/train-grpo-${i}/model`),
  );
  const text = inWords(
    {
      node: "20.20.2",
      npm: null,
      backends: [{ name: "tensorflow", available: false, reason }],
      selected: "wasm",
      kernel: { works: true, registered: false },
      jupyter: null,
      latex: null,
      rsvg: null,
      data: [],
      models,
    },
    80,
  );

  it("breaks its lines between words at the terminal's width", () => {
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
    assert.equal(text.replace(/\s+/g, " ").includes(reason), true);
  });

  it("counts models where there are too many to name", () => {
    assert.match(text, /\+ data\/models +base, il\n/);
    assert.match(text, /\+ data\/runs +36 models\n/);
  });
});
