/**
 * The calls of `learn` to its learner and their arguments, one by one, on a learner of a few formulas: a token's
 * log-probability is a number that every step lowers by a tenth. The gradient on a real policy is in gradients.test.ts.
 */
import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import {
  type GrpoConfig,
  learn,
  type Learner,
  lossOf,
  type Metrics,
  miniBatches,
  type Row,
} from "../../lib/grpo/index.js";
import {
  emptySums,
  evaluateLoss,
  type ObjectiveConfig,
  partOf,
  type PolicyGradientLoss,
  type Sequence,
  type TokenScores,
} from "../../lib/objective/index.js";

const OBJECTIVE: ObjectiveConfig & { readonly queryBySelection: boolean } = {
  ratio: "token",
  surrogate: "clipped",
  clip: { low: 0.2, high: 0.2 },
  aggregation: "seq-mean-token-mean",
  kl: null,
  entropy: 0,
  queryBySelection: false,
};

interface Changes {
  readonly objective?: Partial<typeof OBJECTIVE>;
  readonly update?: { readonly epochs?: number; readonly miniBatchRows?: number | null };
  readonly advantage?: object;
}

/** The sections that `learn` reads. */
function configured(changes: Changes = {}): GrpoConfig {
  return {
    advantage: { estimator: "group", scale: "none", baselineOver: "trajectories", ...changes.advantage },
    objective: { ...OBJECTIVE, ...changes.objective },
    sampling: { temperature: 0.7, maxTokens: 4 },
    update: { epochs: 1, miniBatchRows: null, ...changes.update },
  } as GrpoConfig;
}

/** Rows of roll-outs with a query of two tokens and a selection of one; ids tell them apart. */
function rowsOfRollouts(count: number): Row[] {
  return Array.from({ length: count }, (_, r) => [
    {
      promptIds: [1],
      responseIds: [10 * r + 1, 10 * r + 2],
      oldLogProbs: [-1.25, -1.25],
      advantages: [1, 1],
    },
    { promptIds: [1, r], responseIds: [10 * r + 3], oldLogProbs: [-0.5], advantages: [-1] },
  ])
    .flatMap((rows, rollout) => rows.map((row) => ({ ...row, rollout })))
    .map((row) => ({ ...row, counted: true, group: 0, task: `goal ${row.rollout}` }));
}

interface Call {
  readonly what: "logProbs" | "step";
  readonly sequences: readonly Sequence[];
  readonly options: object;
  readonly loss?: PolicyGradientLoss;
}

/** A learner that keeps what it was asked, and takes every loss in two parts. */
class Recorder implements Learner {
  readonly calls: Call[] = [];
  steps = 0;

  private scores(sequences: readonly Sequence[], at: number): TokenScores[] {
    return sequences.map(({ responseIds }) => ({
      logProbs: responseIds.map((id) => -1 - (id % 10) / 8 - at / 10),
      entropies: responseIds.map(() => 0.5),
    }));
  }

  logProbs: Learner["logProbs"] = (sequences, options) => {
    this.calls.push({ what: "logProbs", sequences, options });
    return Promise.resolve(this.scores(sequences, options.reference ? -5 : this.steps));
  };

  step: Learner["step"] = (sequences, loss, options) => {
    const own = loss as PolicyGradientLoss;
    this.calls.push({ what: "step", sequences: [...sequences], options, loss: own });
    const scores = this.scores(sequences, this.steps);
    const all = sequences.map((_, i) => i);
    const parts = [all.filter((i) => i % 2 === 1), all.filter((i) => i % 2 === 0)]
      .filter((rows) => rows.length > 0)
      .map((rows) => ({
        rows,
        ...evaluateLoss(
          partOf(own, rows),
          rows.map((i) => scores[i]!),
        ),
      }));
    this.steps += 1;
    return Promise.resolve({ gradNorm: this.steps, learningRate: this.steps / 8, scores, parts });
  };

  get losses(): PolicyGradientLoss[] {
    return this.calls.flatMap(({ loss }) => (loss ? [loss] : []));
  }
}

async function learnt(
  rows: readonly Row[],
  changes: Changes = {},
): Promise<{ metrics: Metrics; learner: Recorder }> {
  const learner = new Recorder();
  const metrics = await learn(rows, learner, configured(changes), stream(0, "x"));
  return { metrics, learner };
}

/** Log-probabilities of the learner of a row after some steps. */
const current = (row: Row, steps = 0): number[] =>
  row.responseIds.map((id) => -1 - (id % 10) / 8 - steps / 10);

function near(actual: number | undefined, expected: number, what: string): void {
  assert.ok(Math.abs(actual! - expected) < 1e-12, `${what}: ${actual}, not ${expected}`);
}

describe("an update in one step", () => {
  it("asks for no scores, since the step's own are the old ones", async () => {
    const rows = rowsOfRollouts(2);
    const { metrics, learner } = await learnt(rows);
    assert.deepEqual(
      learner.calls.map(({ what, options }) => [what, options]),
      [["step", { temperature: 0.7 }]],
    );
    const [loss] = learner.losses;
    assert.deepEqual(loss, lossOf(rows, configured().objective, { onPolicy: true }));
    assert.ok(
      loss!.rows.every(({ oldLogProbs, rowWeight }) => oldLogProbs === null && rowWeight === undefined),
    );
    // The mean of −A over rows: two of −1, two of +1.
    near(metrics["loss"], 0, "loss");
    assert.deepEqual([metrics["grad_norm"], metrics["lr"], metrics["optimiser_steps"]], [1, 0.125, 1]);
    assert.equal(metrics["on_policy"], 1);
    assert.equal(metrics["ratio/mean"], 1);
    assert.equal(metrics["entropy"], 0.5);
    // Sampled −1.25 and −1.25 against −1.125 and −1.25; sampled −0.5 against −1.375.
    near(metrics["sampler_vs_trainer/mean"], (2 * 0.125 + 2 * 0.875) / 6, "mean");
    near(metrics["sampler_vs_trainer/max"], 0.875, "max");
    assert.deepEqual(rows, rowsOfRollouts(2), "the rows that were handed over are as they were");
  });

  it("adds the parts of the loss up", async () => {
    const rows = rowsOfRollouts(1).map((row, i) => ({
      ...row,
      advantages: row.responseIds.map(() => 1 + i),
    }));
    const { metrics } = await learnt(rows);
    near(metrics["loss"], -(1 + 2) / 2, "loss");
  });

  it("says nothing of a reference that is not asked for", async () => {
    const { metrics } = await learnt(rowsOfRollouts(1));
    assert.deepEqual(Object.keys(metrics), [
      "loss/policy",
      "entropy",
      "kl_old/k1",
      "kl_old/k3",
      "clip/low",
      "clip/high",
      "clip/dual",
      "clip/frac",
      "ratio/mean",
      "ratio/max",
      "loss",
      "grad_norm",
      "lr",
      "optimiser_steps",
      "sampler_vs_trainer/mean",
      "sampler_vs_trainer/max",
      "on_policy",
    ]);
  });
});

describe("an update in several epochs", () => {
  it("keeps the first step's log-probabilities as the old ones of the later", async () => {
    const rows = rowsOfRollouts(2);
    const { metrics, learner } = await learnt(rows, { update: { epochs: 3 } });
    const [first, second, third] = learner.losses;
    assert.ok(first!.rows.every(({ oldLogProbs }) => oldLogProbs === null));
    for (const loss of [second, third])
      assert.deepEqual(
        loss!.rows.map(({ oldLogProbs }) => oldLogProbs),
        rows.map((row) => current(row)),
      );
    assert.equal(learner.calls.length, 3, "and asks for them only there");
    assert.equal(metrics["optimiser_steps"], 3);
    assert.equal(metrics["grad_norm"], (1 + 2 + 3) / 3);
    assert.equal(metrics["lr"], 3 / 8);
    assert.ok(!("on_policy" in metrics));
    near(metrics["ratio/mean"], (1 + Math.exp(-0.1) + Math.exp(-0.2)) / 3, "ratio");
    near(metrics["sampler_vs_trainer/max"], 0.875, "the sampler's is compared once");
    // In every step the ratio is the same in both rows of a roll-out and within the clip, and their advantages are 1 and −1.
    near(metrics["loss"], 0, "loss");
    const alike = rows.map((row) => ({ ...row, advantages: row.responseIds.map(() => 1) }));
    const { metrics: same } = await learnt(alike, { update: { epochs: 3 } });
    near(same["loss"], -(1 + Math.exp(-0.1) + Math.exp(-0.2)) / 3, "the mean over steps");
  });
});

describe("an update in mini-batches", () => {
  const changes = { update: { miniBatchRows: 3, epochs: 2 } };

  it("asks for the trainer's own log-probabilities first, and takes them for the old ones", async () => {
    const rows = rowsOfRollouts(4);
    const { metrics, learner } = await learnt(rows, changes);
    const [asked, ...steps] = learner.calls;
    assert.deepEqual([asked!.what, asked!.options], ["logProbs", { temperature: 0.7 }]);
    assert.deepEqual(
      asked!.sequences.map(({ responseIds }) => responseIds),
      rows.map(({ responseIds }) => responseIds),
    );
    assert.deepEqual(
      steps.map(({ what, sequences }) => [what, sequences.length]),
      [
        ["step", 4],
        ["step", 4],
        ["step", 4],
        ["step", 4],
      ],
    );
    for (const { sequences, loss } of steps)
      sequences.forEach(({ responseIds }, i) =>
        assert.deepEqual(
          loss!.rows[i]!.oldLogProbs,
          responseIds.map((id) => -1 - (id % 10) / 8),
        ),
      );
    assert.equal(metrics["optimiser_steps"], 4);
    assert.ok(!("on_policy" in metrics));
    near(metrics["sampler_vs_trainer/mean"], (4 * 0.125 + 4 * 0.875) / 12, "compared once, by all rows");
    const every = steps
      .slice(0, 2)
      .flatMap(({ sequences }) => sequences.map(({ responseIds }) => responseIds[0]!));
    assert.deepEqual(
      [...every].sort((a, b) => a - b),
      rows.map(({ responseIds }) => responseIds[0]!).sort((a, b) => a - b),
      "an epoch takes every row once",
    );
  });

  it("of one epoch is not on-policy either", async () => {
    const { metrics } = await learnt(rowsOfRollouts(2), { update: { miniBatchRows: 2 } });
    assert.ok(!("on_policy" in metrics));
  });

  it("never splits a roll-out, shuffles roll-outs, and begins a batch only where the last is full", () => {
    const rows = rowsOfRollouts(7);
    const of = (size: number | null): number[][] =>
      miniBatches(rows, size, stream(1, "order")).map((batch) => batch.map(({ rollout }) => rollout));
    assert.deepEqual(of(null), [rows.map(({ rollout }) => rollout)]);
    const order = stream(1, "order").shuffle([0, 1, 2, 3, 4, 5, 6]);
    const twice = order.map((r) => [r, r]);
    assert.notDeepEqual(order, [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual(of(1), twice);
    assert.deepEqual(of(2), twice);
    assert.deepEqual(
      of(3),
      [0, 2, 4, 6].map((i) => twice.slice(i, i + 2).flat()),
    );
    assert.deepEqual(of(4), of(3));
    assert.deepEqual(of(99), [twice.flat()]);
    const [batch] = miniBatches(rows, null, stream(1, "order"));
    assert.ok(batch !== (rows as unknown), "a list of its own");
  });
});

describe("the reference", () => {
  const kl = { estimator: "k3", coefficient: 0.5, where: "loss" } as const;

  it("is asked once, and stands beside every row of a KL term in the loss", async () => {
    const rows = rowsOfRollouts(2);
    const { metrics, learner } = await learnt(rows, { objective: { kl }, update: { epochs: 2 } });
    const [asked, ...steps] = learner.calls;
    assert.deepEqual([asked!.what, asked!.options], ["logProbs", { temperature: 0.7, reference: true }]);
    assert.equal(asked!.sequences.length, 4);
    for (const { loss } of steps)
      assert.deepEqual(
        loss!.rows.map(({ refLogProbs }) => refLogProbs),
        rows.map((row) => current(row, -5)),
      );
    // log π − log π_ref is −0.5 in the first step and −0.6 in the second.
    const k3 = (d: number): number => Math.exp(-d) + d - 1;
    near(metrics["kl_ref"], (k3(-0.5) + k3(-0.6)) / 2, "kl_ref");
    near(metrics["loss/kl"], (0.5 * (k3(-0.5) + k3(-0.6))) / 2, "loss/kl");
  });

  it("charges a KL term in the reward to a row's advantages, by the log-probabilities that were sampled with", async () => {
    const rows = rowsOfRollouts(1);
    const charged = { estimator: "k1", coefficient: 0.5, where: "reward" } as const;
    const { learner } = await learnt(rows, { objective: { kl: charged } });
    const [query, selection] = learner.losses[0]!.rows;
    // Sampled −1.25, −1.25 and −0.5; the reference has −0.625, −0.75 and −0.875.
    const own = [-1.25 + 0.625, -1.25 + 0.75];
    near(query!.advantages[0], 1 - 0.5 * (own[0]! + own[1]!), "first token");
    near(query!.advantages[1], 1 - 0.5 * own[1]!, "second token");
    near(selection!.advantages[0], -1 - 0.5 * (-0.5 + 0.875), "selection");
    // In mini-batches the old log-probabilities are the trainer's, 0.5 below the reference.
    const { learner: later } = await learnt(rows, {
      objective: { kl: charged },
      update: { miniBatchRows: 8 },
    });
    near(later.losses[0]!.rows[1]!.advantages[0], -1 + 0.5 * 0.5, "selection, trainer's own");
    // One on the loss leaves the advantages alone.
    const { learner: plain } = await learnt(rows, { objective: { kl } });
    assert.deepEqual(plain.losses[0]!.rows[0]!.advantages, [1, 1]);
  });

  it("is charged before the batch is whitened", async () => {
    const rows = rowsOfRollouts(1);
    const charged = { estimator: "k1", coefficient: 0.5, where: "reward" } as const;
    const changes = { objective: { kl: charged }, advantage: { estimator: "reinforce-pp" } };
    const { learner } = await learnt(rows, changes);
    const tokens = learner.losses[0]!.rows.flatMap(({ advantages }) => advantages);
    const raw = [1 - 0.5 * -1.125, 1 - 0.5 * -0.5, -1 - 0.5 * 0.375];
    const mean = raw.reduce((a, b) => a + b, 0) / 3;
    const deviation = Math.sqrt(raw.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 2 + 1e-8);
    tokens.forEach((a, t) => near(a, (raw[t]! - mean) / deviation, `token ${t}`));
    const { learner: unwhitened } = await learnt(rows);
    assert.deepEqual(unwhitened.losses[0]!.rows[0]!.advantages, [1, 1]);
  });
});

describe("the thesis's selection weights", () => {
  /** Each query is weighted by its own roll-out's selection. */
  const weighted = (count: number): Row[] =>
    rowsOfRollouts(count).map((row, i) => (i % 2 === 0 ? { ...row, weightedBy: i + 1 } : row));

  it("are the probability of the selection as it was sampled, in the first step", async () => {
    const { learner } = await learnt(weighted(2));
    const weights = learner.losses[0]!.rows.map(({ rowWeight }) => rowWeight);
    assert.deepEqual(weights, [Math.exp(-0.5), 1, Math.exp(-0.5), 1]);
    assert.equal(learner.calls.length, 1);
  });

  it("are asked of the policy anew before each later step, for the selections alone", async () => {
    const { learner } = await learnt(weighted(2), { update: { epochs: 2 } });
    const [, asked, second] = learner.calls;
    assert.deepEqual([asked!.what, asked!.options], ["logProbs", { temperature: 0.7 }]);
    assert.deepEqual(
      asked!.sequences.map(({ responseIds }) => responseIds),
      [[3], [13]],
    );
    const p = Math.exp(-1.375 - 0.1);
    assert.deepEqual(
      second!.loss!.rows.map(({ rowWeight }) => rowWeight),
      [p, 1, p, 1],
    );
  });

  it("are of the whole selection, token after token, in whatever mini-batch it is", async () => {
    const rows = weighted(3);
    rows[1] = { ...rows[1]!, responseIds: [3, 4], oldLogProbs: [-0.5, -0.25], advantages: [-1, -1] };
    const { learner } = await learnt(rows, { update: { miniBatchRows: 2, epochs: 1 } });
    // The trainer's own log-probabilities are the old ones by then.
    const whole = (ids: readonly number[], steps: number): number =>
      Math.exp(ids.reduce((sum, id) => sum + (-1 - (id % 10) / 8 - steps / 10), 0));
    const steps = learner.calls.filter(({ what }) => what === "step");
    steps.forEach(({ sequences, loss }, k) => {
      const selection = sequences[1]!.responseIds;
      near(loss!.rows[0]!.rowWeight, whole(selection, k), `step ${k}`);
      assert.equal(loss!.rows[1]!.rowWeight, 1);
    });
    assert.equal(steps.length, 3);
  });
});

describe("the loss of a step, as data", () => {
  it("has the weights of the whole mini-batch, and nothing that a row does not know", () => {
    const [query, selection] = rowsOfRollouts(1) as [Row, Row];
    const { task: _, ...unnamed } = selection;
    const known = { ...query, refLogProbs: [-2, -3] };
    const loss = lossOf([known, unnamed], OBJECTIVE, { onPolicy: false, weights: [0.5, 1] });
    assert.deepEqual(loss, {
      kind: "policy-gradient",
      settings: OBJECTIVE,
      rows: [
        {
          oldLogProbs: [-1.25, -1.25],
          refLogProbs: [-2, -3],
          advantages: [1, 1],
          counted: true,
          tokenWeight: 0.25,
          rowWeight: 0.5,
          task: "goal 0",
        },
        { oldLogProbs: [-0.5], advantages: [-1], counted: true, tokenWeight: 0.5, rowWeight: 1 },
      ],
    });
  });

  it("of no tokens comes to metrics of 0, not to a division by 0", async () => {
    const rows = rowsOfRollouts(1).map((row) => ({ ...row, counted: false }));
    const { metrics } = await learnt(rows);
    assert.deepEqual([metrics["loss"], metrics["entropy"], metrics["ratio/max"]].map(Math.abs), [0, 0, 0]);
    assert.equal(emptySums().tokens, 0);
    const none = await learnt([]);
    assert.equal(none.metrics["sampler_vs_trainer/mean"], 0);
  });
});
