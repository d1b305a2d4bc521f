import { strict as assert } from "node:assert";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fixture, fixtureNames } from "../fixtures/index.js";

describe("the reference fixtures", () => {
  for (const name of fixtureNames) {
    it(`${name} can be read and is consistent with itself`, () => {
      const reference = fixture(name);
      const { shape, data } = reference.tensor("ids");
      const [batch, time] = shape as [number, number];
      const logits = reference.tensor("logits");
      const values = reference.floats("logits");
      const vocabulary = logits.shape[2]!;
      const from = time - logits.shape[1]!; // `long` keeps only the last positions
      const logp = reference.floats("logp");
      const weights = reference.floats("weights");
      let loss = 0;
      for (let b = 0; b < batch; b++) {
        for (let t = 0; t < time - 1; t++) {
          loss -= (weights[b * (time - 1) + t]! * logp[b * (time - 1) + t]!) / (batch * (time - 1));
          if (t < from) continue;
          const at = (b * logits.shape[1]! + (t - from)) * vocabulary;
          const row = values.subarray(at, at + vocabulary);
          const max = Math.max(...row);
          const logSum = max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0));
          const expected = row[data[b * time + t + 1]!]! - logSum;
          assert.ok(Math.abs(expected - logp[b * (time - 1) + t]!) < 1e-4);
        }
      }
      assert.ok(Math.abs(loss - reference.floats("loss")[0]!) < 1e-4);
      assert.equal(reference.ids("greedy.0.new").length, 16);
      assert.ok(reference.names("lora.grad.").length >= 8);
    });
  }

  it("stay small", () => {
    const size = (path: string): number =>
      statSync(path).isDirectory()
        ? readdirSync(path).reduce((sum, child) => sum + size(join(path, child)), 0)
        : statSync(path).size;
    assert.ok(size(join("test", "fixtures")) <= 2_200_000);
  });
});
