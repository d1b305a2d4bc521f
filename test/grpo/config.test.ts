import { strict as assert } from "node:assert";
import {
  advantagesOf,
  effectiveAdvantage,
  type Group,
  overPreset,
  parseAdvantage,
  parseGrpoConfig,
  presetNamed,
  PRESETS,
} from "../../lib/grpo/index.js";

/** A preset with the run's own choices filled in, as a configuration file would. */
function filled(name: string): Record<string, unknown> {
  const preset = presetNamed(name);
  return {
    ...preset,
    groups: { tasks: 4, size: 8, ...preset.groups },
    reward: preset.reward ?? {},
    sampling: { maxTokens: 12, ...preset.sampling },
    update: { learningRate: 1e-4, ...preset.update },
  };
}

describe("presets", () => {
  for (const name of Object.keys(PRESETS)) {
    it(`${name} is a complete, consistent configuration`, () => {
      const parsed = parseGrpoConfig(filled(name), name);
      assert.deepEqual(parseGrpoConfig(parsed), parsed, "what was parsed can be saved and parsed again");
    });
  }

  it("refuse a name that is none, and say which there are", () => {
    assert.throws(() => presetNamed("grop"), /no algorithm "grop"; there are thesis, grpo/);
    assert.throws(() => presetNamed("toString"), /no algorithm/);
  });
});

describe("a configuration", () => {
  const edit = (change: (config: Record<string, Record<string, unknown>>) => void): unknown => {
    const config = structuredClone(filled("grpo")) as Record<string, Record<string, unknown>>;
    change(config);
    return config;
  };
  const refused: [
    why: string,
    change: (c: Record<string, Record<string, unknown>>) => void,
    message: RegExp,
  ][] = [
    ["an unknown key", (c) => (c["update"]!["lerning_rate"] = 1), /In x, update: .*lerning_rate/],
    ["a missing key", (c) => delete c["update"]!["learningRate"], /In x, update.learningRate/],
    ["a value out of range", (c) => (c["groups"]!["size"] = 1), /In x, groups.size/],
    ["a clip without a ratio", (c) => (c["objective"]!["ratio"] = "none"), /set clip to null/],
    [
      "k1 in the loss",
      (c) => (c["objective"]!["kl"] = { estimator: "k1", coefficient: 0.1, where: "loss" }),
      /expected gradient of zero/,
    ],
    [
      "a scaled leave-one-out",
      (c) => (c["advantage"]!["estimator"] = "loo"),
      /In x, advantage: scale .*leave-one-out/,
    ],
    [
      "a setting of another estimator",
      (c) => (c["advantage"]!["gamma"] = 0.9),
      /In x, advantage: gamma would change nothing with estimator group/,
    ],
    [
      "a batch baseline that leaves groups out",
      (c) => {
        c["advantage"] = { estimator: "reinforce-pp" };
        c["groups"]!["zeroVariance"] = "mask";
      },
      /reinforce-pp compares over the batch, so a group of equal returns is not empty/,
    ],
    [
      "GAE without a critic",
      (c) => (c["advantage"] = { estimator: "gae", scale: "none", lambda: 1 }),
      /set both or neither/,
    ],
    [
      "a sequence ratio with a token mean",
      (c) => Object.assign(c["objective"]!, { ratio: "sequence", aggregation: "token-mean" }),
      /GSPO/,
    ],
    [
      "a punishment longer than the response",
      (c) => (c["reward"]!["overlong"] = { buffer: 13, factor: 1 }),
      /In x: reward.overlong.buffer is longer than a response may be; lower it below sampling.maxTokens/,
    ],
    [
      "CISPO on sequences",
      (c) => Object.assign(c["objective"]!, { surrogate: "detached", ratio: "sequence" }),
      /surrogate detached \(CISPO\) weights tokens by their ratio; set objective.ratio to token/,
    ],
    [
      "a KL in the reward that is not k1",
      (c) => (c["objective"]!["kl"] = { estimator: "k2", coefficient: 0.1, where: "reward" }),
      /a KL term in the reward is k1 .*set objective.kl.estimator to k1/,
    ],
    [
      "mini-batches without a ratio",
      (c) => {
        Object.assign(c["objective"]!, { ratio: "none", clip: null });
        c["update"]!["miniBatchRows"] = 4;
      },
      /off-policy; they need objective.ratio token or sequence/,
    ],
    [
      "a critic's baseline that leaves groups out",
      (c) => {
        c["advantage"] = { estimator: "gae", scale: "none", lambda: 1 };
        c["value"] = {};
        c["groups"]!["zeroVariance"] = "resample";
      },
      /estimator gae compares over the critic's values, so a group of equal returns is not empty/,
    ],
    ["a critic without GAE", (c) => (c["value"] = {}), /set both or neither/],
    [
      "several off-policy steps without a ratio",
      (c) => {
        Object.assign(c["objective"]!, { ratio: "none", clip: null });
        c["update"]!["epochs"] = 2;
      },
      /off-policy/,
    ],
  ];
  for (const [why, change, message] of refused) {
    it(`is refused for ${why}`, () => assert.throws(() => parseGrpoConfig(edit(change), "x"), message));
  }
});

describe("a configuration over a preset", () => {
  it("has the sections of both, its own keys over the preset's, and no others", () => {
    const merged = overPreset(
      {
        advantage: { estimator: "gae", lambda: 1 },
        update: { epochs: 2, learningRate: 1 },
        value: { epochs: 4 },
      },
      { update: { epochs: 3 }, reward: { scale: 2 } },
    );
    assert.deepEqual(merged, {
      advantage: { estimator: "gae", lambda: 1 },
      update: { epochs: 3, learningRate: 1 },
      value: { epochs: 4 },
      reward: { scale: 2 },
    });
    // The same estimator named again keeps the critic and the preset's settings; another has its own alone.
    const preset = { advantage: { estimator: "gae", lambda: 1 }, value: { epochs: 4 }, groups: { size: 8 } };
    assert.deepEqual(overPreset(preset, { advantage: { estimator: "gae", gamma: 0.9 } }), {
      advantage: { estimator: "gae", lambda: 1, gamma: 0.9 },
      value: { epochs: 4 },
      groups: { size: 8 },
    });
    assert.deepEqual(overPreset(preset, { advantage: { estimator: "loo" }, groups: { size: 4 } }), {
      advantage: { estimator: "loo" },
      groups: { size: 4 },
    });
    assert.deepEqual(overPreset(preset, { advantage: { estimator: "mine" }, value: { clip: 1 } }), {
      advantage: { estimator: "mine" },
      value: { clip: 1 },
      groups: { size: 8 },
    });
    assert.deepEqual(overPreset({}, { value: { epochs: 1 } }), { value: { epochs: 1 } });
  });

  it("keeps the preset's advantage settings, or replaces them whole with those of another estimator", () => {
    const of = (preset: string, own: object): Record<string, object> => overPreset(presetNamed(preset), own);
    assert.deepEqual(of("gigpo", { advantage: { gamma: 0.8 } })["advantage"], {
      ...PRESETS.gigpo.advantage,
      gamma: 0.8,
    });
    assert.deepEqual(of("gigpo", { advantage: { estimator: "loo" } })["advantage"], { estimator: "loo" });
    const plain = of("ppo", { advantage: { estimator: "group", scale: "none" } });
    assert.deepEqual(
      [plain["advantage"], plain["value"]],
      [{ estimator: "group", scale: "none" }, undefined],
    );
    const critic = of("ppo", { advantage: { lambda: 0.5 }, value: { epochs: 2 } });
    assert.deepEqual(critic["value"], { ...PRESETS.ppo.value, epochs: 2 });
    assert.equal(of("grpo", {})["value"], undefined);
  });

  it("of an earlier version loses the settings that had no effect, and no others", () => {
    const flat = {
      epsilon: 1e-6,
      deviation: "sample",
      baselineOver: "trajectories",
      gamma: 1,
      stepWeight: 1,
    };
    const of = (own: object): object => effectiveAdvantage({ ...flat, ...own });
    assert.deepEqual(of({ estimator: "group", scale: "none" }), {
      estimator: "group",
      scale: "none",
      baselineOver: "trajectories",
    });
    assert.deepEqual(of({ estimator: "loo", scale: "none" }), {
      estimator: "loo",
      baselineOver: "trajectories",
    });
    assert.deepEqual(of({ estimator: "return", scale: "batch", gamma: 0.9 }), {
      estimator: "reinforce-pp",
      gamma: 0.9,
    });
    assert.deepEqual(of({ estimator: "gae", scale: "batch", lambda: 0.95 }), {
      estimator: "gae",
      scale: "batch",
      gamma: 1,
      lambda: 0.95,
    });
    // What nobody could have written stays, to be refused.
    const odd = effectiveAdvantage({ estimator: "loo", wrong: 1 }) as { estimator: string };
    assert.throws(() => parseAdvantage(odd, "x"), /wrong would change nothing/);
  });
});

describe("advantages of an iteration", () => {
  const group = (
    task: string,
    returns: readonly number[],
    turns: readonly number[] = returns.map(() => 1),
  ): Group => ({
    task,
    rollouts: returns.map((value, i) => ({
      turns: Array.from({ length: turns[i]! }, (_, t) => ({
        promptIds: [1],
        responseIds: [2, 3],
        oldLogProbs: [-1, -1],
        reward: t === turns[i]! - 1 ? value : 0,
        formatValid: true,
        admissible: true,
        truncated: false,
      })),
      return: value,
      success: value === 1,
      score: value,
    })),
  });
  const advantage = (name: string): ReturnType<typeof parseGrpoConfig>["advantage"] =>
    parseGrpoConfig(filled(name)).advantage;

  it("compare a roll-out with its own marginal only", () => {
    // The thesis: one goal, three independent groups of three; each is its own baseline.
    const marginals = [group("g", [1, 0, 0.5]), group("g", [0, 0, 0]), group("g", [1, 1, 0.4])];
    const close = advantagesOf(marginals, advantage("thesis")).map((g) =>
      g.map((r) => Number(r[0]!.toFixed(6))),
    );
    assert.deepEqual(close, [
      [0.5, -0.5, 0],
      [0, 0, 0],
      [0.2, 0.2, -0.4],
    ]);
  });

  it("over rows let long trajectories count more", () => {
    const config = { estimator: "group", scale: "none", baselineOver: "rows" } as const;
    // Returns 1 (one turn) and 0 (three turns): the mean over rows is 1/4, over trajectories 1/2.
    assert.deepEqual(advantagesOf([group("g", [1, 0], [1, 3])], config), [[[0.75], [-0.25, -0.25, -0.25]]]);
    assert.deepEqual(advantagesOf([group("g", [1, 0], [1, 3])], advantage("dr_grpo")), [
      [[0.5], [-0.5, -0.5, -0.5]],
    ]);
  });

  it("let an ill-formed response lose even where all failed", () => {
    const failed = group("g", [0, 0]);
    const rollouts = failed.rollouts.map((r, i) => ({
      ...r,
      turns: r.turns.map((turn) => ({ ...turn, formatValid: i === 0 })),
    }));
    assert.deepEqual(
      advantagesOf([{ ...failed, rollouts }], advantage("dr_grpo"), (turn) => (turn.formatValid ? 0 : 0.1)),
      [[[0], [-0.1]]],
    );
  });
});
