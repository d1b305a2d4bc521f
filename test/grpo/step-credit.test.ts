import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import { evaluateLoss, type LossValue, tokenWeights } from "../../lib/objective/index.js";
import {
  advantagesOf,
  anchorGraph,
  anchorHistogram,
  estimateAdvantages,
  type Group,
  type GrpoConfig,
  instructiveAnchors,
  noPenalty,
  parseAdvantage,
  parseGrpoConfig,
  type Penalty,
  presetNamed,
  type Row,
  rowsOf,
  type Turn,
} from "../../lib/grpo/index.js";
import { rewardFrom } from "../../lib/rewards/index.js";

function configured(preset: string, more: Record<string, object> = {}): GrpoConfig {
  const { advantage, objective: loss, value, reward } = presetNamed(preset);
  return parseGrpoConfig({
    advantage: { ...advantage, ...more["advantage"] },
    objective: { ...loss, kl: null },
    ...(value ? { value } : {}),
    groups: { tasks: 1, size: 8 },
    reward: { ...reward, ...more["reward"] },
    sampling: { maxTokens: 12 },
    update: { learningRate: 1e-3 },
  });
}

/** Two pages, on each of which one of two buttons is pressed: 0 or 1. */
const turnOf = (page: string, button: number, reward: number): Turn => ({
  promptIds: [page === "first" ? 1 : 2],
  responseIds: [5 + button],
  oldLogProbs: [Math.log(0.5)],
  reward,
  formatValid: true,
  admissible: true,
  truncated: false,
  anchor: page,
});

/**
 * The shop hands out 10 or nothing for whatever is pressed on its first page, by luck; on the second page button 1 is worth 0.2
 * and button 0 nothing.
 */
function episodes(count: number, right: number, iteration: number): Group {
  const random = stream(3, "shop", iteration);
  const rollouts = Array.from({ length: count }, () => {
    const luck = random.next() < 0.5 ? 10 : 0;
    const button = Number(random.next() < right);
    const turns = [
      turnOf("first", Number(random.next() < 0.5), luck),
      turnOf("second", button, 0.2 * button),
    ];
    return { turns, return: luck + 0.2 * button, success: false, score: 0 };
  });
  return { task: "shop", rollouts };
}

/** The loss of some rows on the policy that sampled them. */
function onPolicy({ objective }: GrpoConfig, rows: readonly Row[]): LossValue {
  const weights = tokenWeights(
    objective.aggregation,
    rows.map(({ responseIds, ...row }) => ({ tokens: responseIds.length, ...row })),
  );
  return evaluateLoss(
    {
      kind: "policy-gradient",
      settings: objective,
      rows: rows.map((row, i) => ({ ...row, tokenWeight: weights[i]! })),
    },
    rows.map((row) => ({ logProbs: row.oldLogProbs, entropies: row.oldLogProbs.map(() => 0) })),
  );
}

/** Learns P(button 1 on the second page) by the objective's own gradient on a single logit. */
function learned(config: GrpoConfig): number {
  let logit = 0;
  for (let iteration = 0; iteration < 60; iteration++) {
    const right = 1 / (1 + Math.exp(-logit));
    const group = episodes(8, right, iteration);
    const rows = rowsOf([group], advantagesOf([group], config.advantage), config);
    const at = rows.flatMap((row, i) => (row.promptIds[0] === 2 ? [i] : []));
    const { logProbGradients } = onPolicy(config, rows);
    // d log π(1) / d logit = 1 − p, d log π(0) / d logit = −p. Steps of one length, so that no scale is favoured.
    let gradient = 0;
    for (const i of at)
      gradient += logProbGradients[i]![0]! * (rows[i]!.responseIds[0] === 6 ? 1 - right : -right);
    logit -= 0.15 * Math.sign(gradient);
  }
  return 1 / (1 + Math.exp(-logit));
}

describe("step credit", () => {
  it("finds the right second action where the episode's return is nearly all luck", () => {
    const right = learned(configured("gigpo", { advantage: { scale: "group", stepWeight: 20 } }));
    const lost = learned(configured("grpo"));
    assert.ok(right > 0.95, `GiGPO presses the right button with ${right}`);
    assert.ok(lost < 0.8, `GRPO presses it with ${lost}`);
  });

  it("is right where the episode level says the opposite", () => {
    const rollout = (luck: number, button: number): Group["rollouts"][number] => ({
      turns: [turnOf("first", 0, luck), turnOf("second", button, 0.2 * button)],
      return: luck + 0.2 * button,
      success: false,
      score: 0,
    });
    const group: Group = { task: "shop", rollouts: [rollout(10, 0), rollout(0, 1)] };
    const [grpo] = advantagesOf([group], configured("grpo").advantage);
    assert.ok(grpo![0]![1]! > 0 && grpo![1]![1]! < 0);
    const only = configured("gigpo", { advantage: { stepWeight: 1000 } }).advantage;
    const [gigpo] = advantagesOf([group], only);
    assert.ok(gigpo![0]![1]! < 0 && gigpo![1]![1]! > 0);
  });

  const group = episodes(4, 0.5, 0);
  const actionOf = (i: number, t: number): string =>
    `press ${group.rollouts[i]!.turns[t]!.responseIds[0]! - 5}`;

  it("is told as a histogram, as the states that teach, and as a share", () => {
    assert.deepEqual([...anchorHistogram([group])], [[4, 8]]);
    const states = instructiveAnchors(group, actionOf);
    assert.deepEqual(
      states.map(({ state, visits }) => [state, visits]),
      [
        ["first", 4],
        ["second", 4],
      ],
    );
    for (const { tried } of states) {
      assert.equal(
        tried.reduce((sum, { count }) => sum + count, 0),
        4,
      );
      assert.ok(Math.abs(tried.reduce((sum, { count, advantage }) => sum + count * advantage, 0)) < 1e-9);
      assert.ok(tried.every((one, i) => i === 0 || tried[i - 1]!.advantage >= one.advantage));
    }
    const given = { penalty: noPenalty };
    const metrics = estimateAdvantages([group], configured("gigpo").advantage, given).metrics!;
    assert.equal(metrics["anchor/frac_singleton"], 0);
    assert.ok(metrics["adv_step/share"]! > 0 && metrics["adv_step/share"]! < 1);
  });

  it("is drawn as a graph through which every trajectory runs", () => {
    const { nodes, edges } = anchorGraph(group, actionOf);
    assert.deepEqual(
      nodes.map(({ state, visits, depth }) => [state, visits, depth]),
      [
        ["first", 4, 0],
        ["second", 4, 1],
        [null, 4, 2],
      ],
    );
    const flow = (from: number, to: number): number =>
      edges.filter((e) => e.from === from && e.to === to).reduce((sum, { count }) => sum + count, 0);
    assert.deepEqual([flow(0, 1), flow(1, 2), edges.length <= 4], [4, 4, true]);
  });
});

describe("ARPO's shared turns", () => {
  const rollout = (turns: Turn[], value: number): Group["rollouts"][number] => ({
    turns,
    return: value,
    success: value === 1,
    score: value,
  });
  const start = turnOf("first", 0, 0);
  const group: Group = {
    task: "t",
    rollouts: [
      rollout([start, turnOf("second", 0, 1)], 1),
      rollout([{ ...start }, turnOf("second", 1, 0)], 0),
      rollout([turnOf("first", 1, 0), turnOf("second", 1, 0)], 0),
    ],
  };

  it("get each branch's advantage, or their mean", () => {
    const of = (shared: "soft" | "hard"): readonly (readonly number[])[] =>
      advantagesOf([group], configured("arpo", { advantage: { scale: "none", shared } }).advantage)[0]!;
    const third = 1 / 3;
    const near = (actual: readonly (readonly number[])[], expected: number[][]): void =>
      actual.forEach((row, i) => row.forEach((v, t) => assert.ok(Math.abs(v - expected[i]![t]!) < 1e-12)));
    near(of("soft"), [
      [2 * third, 2 * third],
      [-third, -third],
      [-third, -third],
    ]);
    near(of("hard"), [
      [third / 2, 2 * third],
      [third / 2, -third],
      [-third, -third],
    ]);
  });

  it("get the mean by every estimator that compares within a group, where the setting says so", () => {
    for (const settings of [
      { estimator: "loo" },
      { estimator: "gigpo", scale: "none" },
      { estimator: "group", scale: "none" },
    ] as const) {
      const of = (shared?: "soft" | "hard"): readonly (readonly number[])[] =>
        advantagesOf([group], parseAdvantage({ ...settings, ...(shared && { shared }) }, "x"))[0]!;
      const [soft, hard] = [of("soft"), of("hard")];
      assert.deepEqual(of(), soft);
      assert.notEqual(soft[0]![0], soft[1]![0], settings.estimator);
      assert.equal(hard[0]![0], (soft[0]![0]! + soft[1]![0]!) / 2);
      assert.equal(hard[1]![0], hard[0]![0]);
      assert.deepEqual([hard[0]![1], hard[2]], [soft[0]![1], soft[2]]);
    }
  });

  it("have one gradient either way on the policy that sampled", () => {
    const gradients = (shared: "soft" | "hard"): Map<number, number> => {
      const config = configured("arpo", { advantage: { shared } });
      const rows = rowsOf([group], advantagesOf([group], config.advantage), config);
      const result = onPolicy(config, rows);
      // A parameter sees the sum over rows with the same prompt and response.
      const sums = new Map<number, number>();
      rows.forEach((row, i) => {
        const key = 100 * row.promptIds[0]! + row.responseIds[0]!;
        sums.set(key, (sums.get(key) ?? 0) + result.logProbGradients[i]![0]!);
      });
      return sums;
    };
    const [soft, hard] = [gradients("soft"), gradients("hard")];
    for (const [key, value] of soft) assert.ok(Math.abs(value - hard.get(key)!) < 1e-12);
    assert.equal(soft.size, 4);
  });
});

/** The penalties of a configuration, as a run sums them. */
function penaltyOf({ reward, sampling }: GrpoConfig): Penalty {
  const sum = rewardFrom(reward, sampling.maxTokens);
  return (turn) => sum.penalty(turn);
}

describe("penalties", () => {
  it("do not blow up where all returns are equal and there is nothing else to divide by", () => {
    // Four roll-outs of two turns, all in vain; one answer is ill-formed. Without care it would be −0.1 / (0 + 1e-6).
    const rollouts = [0, 1, 2, 3].map((i) => ({
      turns: [0, 1].map((t) => ({ ...turnOf(`s${t}`, 0, 0), formatValid: !(i === 1 && t === 1) })),
      return: 0,
      success: false,
      score: 0,
    }));
    for (const preset of ["grpo", "verl-agent-compat"] as const) {
      const config = configured(preset, { reward: { invalidPenalty: 0.1 } });
      const [advantages] = advantagesOf([{ task: "t", rollouts }], config.advantage, penaltyOf(config));
      const rows = advantages!.flat();
      // Of eight scores one is lower: with n − 1 its deviation is 0.1 / √8.
      const bad = rows[3]!;
      assert.ok(bad < -2 && bad > -6, `${preset}: ${bad}`);
      assert.ok(
        rows.every((value, i) => i === 3 || Math.abs(value) < 1),
        `${preset}: ${rows.join(" ")}`,
      );
    }
  });

  it("let a response that is too long lose in its own row", () => {
    const config = configured("dr_grpo", { reward: { overlong: { buffer: 12, factor: 1.2 } } });
    const group: Group = {
      task: "t",
      rollouts: [1, 1].map((value) => ({
        turns: [turnOf("first", 0, value)],
        return: value,
        success: true,
        score: 1,
      })),
    };
    const [advantages] = advantagesOf([group], config.advantage, penaltyOf(config));
    advantages!.forEach(([a]) => assert.ok(Math.abs(a! + 0.1) < 1e-12));
  });
});
