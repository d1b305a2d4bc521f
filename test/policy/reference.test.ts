import { strict as assert } from "node:assert";
import { BACKENDS } from "../../lib/tensor/index.js";
import { loadAdapter, loadModel } from "../../lib/model/index.js";
import { crossEntropyLoss, type Sequence } from "../../lib/objective/index.js";
import { Policy } from "../../lib/policy/index.js";
import { fixture, fixtureNames, type Fixture } from "../fixtures/index.js";
import { testBackends } from "./available.js";

/** PyTorch computes in float32 too: agreement to 1e-4 relative to the largest number of the tensor. */
function close(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length, what);
  let scale = 1e-3;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / scale;
    assert.ok(error <= tolerance, `${what}[${i}]: ${actual[i]} instead of ${expected[i]} (${error})`);
  }
}

/** The fixture's texts: the first token is the prompt, the rest its response, none packed with another. */
function texts(reference: Fixture): Sequence[] {
  const [batch, time] = reference.tensor("ids").shape as [number, number];
  const ids = reference.ids("ids");
  return Array.from({ length: batch }, (_, packWith) => {
    const text = ids.slice(packWith * time, (packWith + 1) * time);
    return { promptIds: text.slice(0, 1), responseIds: text.slice(1), packWith };
  });
}

function group(reference: Fixture): Sequence[] {
  const promptIds = reference.ids("group.prompt");
  return [0, 1, 2].map((k) => ({ promptIds, responseIds: reference.ids(`group.completion.${k}`) }));
}

function gradientOf(policy: Policy, gradient: Float32Array, name: string): Float32Array {
  const { offset, size } = policy.host.trained.find((tensor) => tensor.name === name)!;
  return gradient.subarray(offset, offset + size);
}

for (const backend of testBackends(BACKENDS)) {
  describe(`the model on ${backend.name} agrees with PyTorch`, function () {
    if (backend.name === "webgpu") this.timeout(300_000); // a GPU in software is slow
    before(function () {
      return backend.use(this);
    });

    for (const name of fixtureNames) {
      it(`on ${name}`, async function () {
        if (backend.name === "cpu" && name === "long") this.skip(); // ten seconds in plain JavaScript
        const reference = fixture(name);
        const model = loadModel(reference.folder);
        const adapter = loadAdapter(reference.adapter, model.config);
        const [batch, time] = reference.tensor("ids").shape as [number, number];
        for (const prefix of ["", "lora."]) {
          const policy = await Policy.create(model, { adapter, train: prefix === "" ? "model" : "adapter" });
          const off = prefix === "";
          const scores = await policy.logProbs(texts(reference), { reference: off });
          close(
            scores.flatMap((text) => text.logProbs),
            reference.floats(`${prefix}logp`),
            `${prefix}logp`,
          );
          const packed = await policy.logProbs(group(reference), { reference: off });
          for (const k of [0, 1, 2]) {
            close(
              packed[k]!.logProbs,
              reference.floats(`${prefix}group.logp.${k}`),
              `${prefix}group.logp.${k}`,
            );
          }
          await policy.dispose();
        }

        for (const prefix of ["", "lora."]) {
          for (const checkpoint of ["none", "layer"] as const) {
            const policy = await Policy.create(model, prefix === "" ? {} : { adapter });
            const check = async (
              rows: readonly Sequence[],
              weights: readonly Float32Array[],
              factor: number,
              part: string,
            ): Promise<void> => {
              const names = reference.names(`${part}grad.`);
              if (names.length === 0) return;
              const { loss, gradient } = await policy.gradients(
                rows,
                // loss = Σ factor · weight · log-prob
                crossEntropyLoss(weights.map((of) => ({ weights: Array.from(of, (w) => -factor * w) }))),
                { checkpoint },
              );
              close([loss], reference.floats(`${part}loss`), `${part}loss`);
              for (const full of names) {
                const parameter = full.slice(`${part}grad.`.length);
                close(gradientOf(policy, gradient, parameter), reference.floats(full), full);
              }
            };
            const flat = reference.floats("weights");
            const byRow = Array.from({ length: batch }, (_, b) =>
              flat.slice(b * (time - 1), (b + 1) * (time - 1)),
            );
            await check(texts(reference), byRow, -1 / (batch * (time - 1)), prefix);
            const groupWeights = [0, 1, 2].map((k) => reference.floats(`group.weight.${k}`));
            await check(group(reference), groupWeights, 1, `${prefix}group.`);
            await policy.dispose();
          }
        }
      });
    }
  });
}
