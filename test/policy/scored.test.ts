import { strict as assert } from "node:assert";
import fc from "fast-check";
import { initModel, type ModelConfig } from "../../lib/model/index.js";
import { crossEntropyLoss, type Sequence } from "../../lib/objective/index.js";
import { Policy } from "../../lib/policy/index.js";

const config: ModelConfig = {
  vocabSize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 4,
  maxPositions: 64,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  tiedEmbeddings: true,
  initializerRange: 0.3,
  eosTokenIds: [],
};

const ids = (max: number): fc.Arbitrary<number[]> => fc.array(fc.nat(39), { minLength: 1, maxLength: max });
const response = ids(7).chain((responseIds) =>
  fc
    .array(fc.boolean(), { minLength: responseIds.length, maxLength: responseIds.length })
    .map((flags) => ({ responseIds, scored: flags.includes(true) ? flags : flags.map(() => true) })),
);
const rows = fc
  .array(fc.record({ promptIds: ids(6), responses: fc.array(response, { minLength: 1, maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((prompts) =>
    prompts.flatMap(({ promptIds, responses }) => responses.map((one) => ({ promptIds, ...one }))),
  );

describe("responses of which only some tokens are scored", () => {
  let policy: Policy;
  before(async () => {
    policy = await Policy.create(initModel(config, 1), { batchTokens: 20 });
  });
  after(() => policy.dispose());

  it("hand over the state before the first scored token: the output layer makes its log-probability of it", async () => {
    const masked: Sequence[] = [
      { promptIds: [1, 2, 3], responseIds: [4, 5] },
      { promptIds: [1, 2, 3], responseIds: [6, 7, 8], scored: [false, true, true] },
      { promptIds: [9], responseIds: [4] },
    ];
    const values = policy.files().model.weights.get("model.embed_tokens.weight")!.data();
    const scores = await policy.logProbs(masked, { states: true });
    assert.equal((await policy.logProbs(masked))[0]!.state, undefined);
    masked.forEach(({ responseIds, scored }, i) => {
      const { state, logProbs } = scores[i]!;
      const first = responseIds[scored?.indexOf(true) ?? 0]!;
      const d = config.hiddenSize;
      const logits = Array.from({ length: config.vocabSize }, (_, v) =>
        state!.reduce((sum, x, k) => sum + x * values[v * d + k]!, 0),
      );
      const total = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
      assert.ok(Math.abs(logits[first]! - total - logProbs[0]!) < 1e-5);
    });
  });

  it("have the scores and the gradient that the other tokens' zero weights would give", async function () {
    this.timeout(60000);
    await fc.assert(
      fc.asyncProperty(rows, async (masked) => {
        const whole = masked.map(({ promptIds, responseIds }) => ({ promptIds, responseIds }));
        const weight = (i: number, t: number): number => Math.sin(1 + 7 * i + t);
        const ofScored = crossEntropyLoss(
          masked.map(({ scored }, i) => ({ weights: scored.flatMap((is, t) => (is ? [weight(i, t)] : [])) })),
        );
        const ofAll = crossEntropyLoss(
          masked.map(({ scored }, i) => ({ weights: scored.map((is, t) => (is ? weight(i, t) : 0)) })),
        );
        const some = await policy.gradients(masked, ofScored);
        const gradient = some.gradient.slice();
        const all = await policy.gradients(whole, ofAll);
        all.scores.forEach(({ logProbs, entropies }, i) => {
          const pick = (values: readonly number[]): number[] => values.filter((_, t) => masked[i]!.scored[t]);
          close(some.scores[i]!.logProbs, pick(logProbs), 1e-5);
          close(some.scores[i]!.entropies, pick(entropies), 1e-5);
        });
        close(gradient, all.gradient, 1e-4);
      }),
      { numRuns: 40 },
    );
  });

  it("are the same behind a beginning that several share", async () => {
    const common = [1, 2, 3];
    const sequences = [[4, 5], [6], []].map((rest, i) => ({
      promptIds: [...common, ...rest],
      responseIds: [7 + i, 8, 9],
      ...(i === 1 ? { scored: [false, true, true] } : {}),
    }));
    const apart = await policy.logProbs(
      sequences.map((row, packWith) => ({ ...row, packWith })),
      { states: true },
    );
    const together = await policy.logProbs(
      sequences.map((row) => ({ ...row, sharedTokens: 3 })),
      { states: true },
    );
    together.forEach(({ logProbs, entropies, state }, i) => {
      close(logProbs, apart[i]!.logProbs, 1e-5);
      close(entropies, apart[i]!.entropies, 1e-5);
      close(state!, apart[i]!.state!, 1e-4);
      assert.equal(logProbs.length, i === 1 ? 2 : 3);
    });
  });

  it("must have one flag a token, and one that is true", async () => {
    for (const scored of [[true], [false, false], [true, false, true]]) {
      await assert.rejects(policy.logProbs([{ promptIds: [1], responseIds: [2, 3], scored }]), {
        name: "InputError",
        message: /needs a flag for each of its 2 tokens/,
      });
    }
  });
});

function close(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    assert.ok(
      Math.abs(found[i]! - wanted[i]!) <= tolerance * (1 + Math.abs(wanted[i]!)),
      `${i}: ${found[i]} ≠ ${wanted[i]}`,
    );
  }
}
