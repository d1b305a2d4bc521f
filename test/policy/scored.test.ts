import { strict as assert } from "node:assert";
import fc from "fast-check";
import { initModel, type ModelConfig } from "../../lib/model/index.js";
import { type Objective, Policy, type Row } from "../../lib/policy/index.js";

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
const completion = ids(7).chain((tokens) =>
  fc
    .array(fc.boolean(), { minLength: tokens.length, maxLength: tokens.length })
    .map((flags) => ({ ids: tokens, scored: flags.includes(true) ? flags : flags.map(() => true) })),
);
const rows = fc.array(
  fc.record({ prompt: ids(6), completions: fc.array(completion, { minLength: 1, maxLength: 3 }) }),
  { minLength: 1, maxLength: 4 },
);

describe("completions of which only some tokens are scored", () => {
  let policy: Policy;
  before(async () => {
    policy = await Policy.create(initModel(config, 1), { batchTokens: 20 });
  });
  after(() => policy.dispose());

  it("hand over the state before the first scored token: the output layer makes its log-probability of it", async () => {
    const masked: Row[] = [
      { prompt: [1, 2, 3], completions: [{ ids: [4, 5] }, { ids: [6, 7, 8], scored: [false, true, true] }] },
      { prompt: [9], completions: [{ ids: [4] }] },
    ];
    const values = policy.files().model.weights.get("model.embed_tokens.weight")!.data();
    const scores = await policy.logProbs(masked, { states: true });
    assert.equal((await policy.logProbs(masked))[0]![0]!.state, undefined);
    masked.forEach(({ completions }, r) =>
      completions.forEach((one, c) => {
        const { state, logProbs } = scores[r]![c]!;
        const first = one.ids[one.scored?.indexOf(true) ?? 0]!;
        const d = config.hiddenSize;
        const logits = Array.from({ length: config.vocabSize }, (_, v) =>
          state!.reduce((sum, x, k) => sum + x * values[v * d + k]!, 0),
        );
        const total = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
        assert.ok(Math.abs(logits[first]! - total - logProbs[0]!) < 1e-5);
      }),
    );
  });

  it("have the scores and the gradient that the other tokens' zero slopes would give", async function () {
    this.timeout(60000);
    await fc.assert(
      fc.asyncProperty(rows, async (masked) => {
        const whole: Row[] = masked.map(({ prompt, completions }) => ({
          prompt,
          completions: completions.map((one) => ({ ids: one.ids })),
        }));
        const flagged = (r: number, c: number): boolean[] => masked[r]!.completions[c]!.scored;
        const slope = (r: number, c: number, t: number): number => Math.sin(1 + 7 * r + 3 * c + t);
        const ofScored: Objective = (positions, scores) => ({
          loss: 0,
          logProbs: scores.map((row, i) =>
            row.map((_, c) =>
              flagged(positions[i]!, c).flatMap((is, t) => (is ? [slope(positions[i]!, c, t)] : [])),
            ),
          ),
        });
        const ofAll: Objective = (positions, scores) => ({
          loss: 0,
          logProbs: scores.map((row, i) =>
            row.map((_, c) =>
              flagged(positions[i]!, c).map((is, t) => (is ? slope(positions[i]!, c, t) : 0)),
            ),
          ),
        });
        const some = await policy.gradients(masked, ofScored);
        const gradient = some.gradient.slice();
        const all = await policy.gradients(whole, ofAll);
        all.scores.forEach((row, r) =>
          row.forEach(({ logProbs, entropies }, c) => {
            const pick = (values: readonly number[]): number[] => values.filter((_, t) => flagged(r, c)[t]);
            close(some.scores[r]![c]!.logProbs, pick(logProbs), 1e-5);
            close(some.scores[r]![c]!.entropies, pick(entropies), 1e-5);
          }),
        );
        close(gradient, all.gradient, 1e-4);
      }),
      { numRuns: 40 },
    );
  });

  it("must have one flag a token, and one that is true", async () => {
    for (const scored of [[true], [false, false], [true, false, true]]) {
      await assert.rejects(policy.logProbs([{ prompt: [1], completions: [{ ids: [2, 3], scored }] }]), {
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
