import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkSplit,
  cumulativeWeights,
  drawGoal,
  filterGoals,
  limitGoals,
  humanGoals,
  PythonRandom,
  shuffleGoals,
  splitHash,
  splitOf,
  splitRanges,
  syntheticGoals,
  weighSynthetic,
  type Goal,
  type GoalDraft,
} from "../../lib/simulator/index.js";
import { tinyProduct } from "./tiny.js";

const shoe = tinyProduct({
  options: [
    { name: "size", values: ["s", "m"] },
    { name: "color", values: ["red", "blue", "green"] },
  ],
});
const drafts = (count: number): GoalDraft[] => [
  ...humanGoals(
    Array.from({ length: count }, (_, i) => ({
      product: tinyProduct({ asin: `A${i}` }),
      price: i % 200,
      instructions: [
        { instruction: `wish ${i}`, instruction_attributes: [`a${i % 7}`], instruction_options: [] },
      ],
    })),
    new PythonRandom(1),
  ),
];

describe("simulator: goals", () => {
  it("makes human goals, passing over those without attributes before a price is drawn", () => {
    const random = new PythonRandom(5);
    const goals = [
      ...humanGoals(
        [
          {
            product: shoe,
            price: 12,
            instructions: [
              { instruction: "no", instruction_attributes: [], instruction_options: [] },
              {
                instruction: "..i need a. shoe..",
                instruction_attributes: ["soft"],
                instruction_options: ["red"],
              },
              { instruction: "again", instruction_attributes: ["soft"], instruction_options: [] },
            ],
          },
        ],
        random,
      ),
    ];
    const same = new PythonRandom(5);
    const bounds = [0, 1].map(() => Math.max(...same.sample([20, 30, 40, 50], 2)));
    assert.deepEqual(
      goals.map((goal) => goal.priceUpper),
      bounds,
    );
    assert.equal(goals[0]!.instruction, `i need a. shoe, and price lower than ${bounds[0]}.00 dollars`);
    assert.deepEqual(goals[0]!.options, ["red"]);
    assert.equal(goals[0]!.name, shoe.title);
    assert.equal(goals[0]!.weight, 1);
    assert.equal(random.random(), same.random());
  });

  it("bounds the price by the second to fourth ten above it, or not at all from 980 up", () => {
    const bound = (price: number, seed: number): GoalDraft =>
      [
        ...humanGoals(
          [
            {
              product: shoe,
              price,
              instructions: [{ instruction: "x", instruction_attributes: ["a"], instruction_options: [] }],
            },
          ],
          new PythonRandom(seed),
        ),
      ][0]!;
    const count: Record<number, number> = {};
    for (let seed = 0; seed < 3000; seed++) {
      const { priceUpper } = bound(20, seed);
      count[priceUpper] = (count[priceUpper] ?? 0) + 1;
    }
    assert.deepEqual(Object.keys(count), ["40", "50", "60"]); // 20 itself is not above the price
    for (const [upper, fraction] of [
      [40, 1 / 6],
      [50, 2 / 6],
      [60, 3 / 6],
    ] as const) {
      assert(Math.abs(count[upper]! / 3000 - fraction) < 0.04);
    }
    assert.equal(bound(979.99, 1).priceUpper, 990);
    for (const price of [980, 985, 990, 5000]) {
      assert.equal(bound(price, 1).priceUpper, 1000000);
      assert.equal(bound(price, 1).instruction, "x");
    }
  });

  it("makes a synthetic goal for every combination of options, names ascending", () => {
    const goals = [
      ...syntheticGoals(
        [
          {
            product: shoe,
            price: 985,
            instruction: { instruction: "Find me soft shoes", instruction_attributes: ["soft"] },
          },
          {
            product: tinyProduct({}),
            price: 985,
            instruction: { instruction: null, instruction_attributes: [] },
          },
          {
            product: tinyProduct({ asin: "B2" }),
            price: 985,
            instruction: { instruction: "Find B2", instruction_attributes: ["soft", "red"] },
          },
          { product: tinyProduct({}), price: 985, instruction: null },
        ],
        new PythonRandom(0),
      ),
    ];
    assert.deepEqual(
      goals.map((goal) => goal.instruction),
      [
        "Find me soft shoes with color: red, and size: s",
        "Find me soft shoes with color: red, and size: m",
        "Find me soft shoes with color: blue, and size: s",
        "Find me soft shoes with color: blue, and size: m",
        "Find me soft shoes with color: green, and size: s",
        "Find me soft shoes with color: green, and size: m",
        "Find B2",
      ],
    );
    assert.deepEqual(goals[3]!.options, [
      ["color", "blue"],
      ["size", "m"],
    ]);
    const weights = weighSynthetic(goals).map((goal) => goal.weight);
    assert.deepEqual(weights, [...Array.from({ length: 6 }, () => 1 / 7), (1 / 7 + 1) / 2]);
  });

  it("orders goals as every WebShop process does", () => {
    const goals = shuffleGoals(drafts(20));
    assert.deepEqual(
      goals.map((goal) => Number(goal.asin.slice(1))),
      [17, 18, 9, 2, 8, 19, 11, 10, 12, 0, 3, 4, 14, 13, 1, 6, 15, 7, 16, 5],
    );
    assert.deepEqual(
      goals.map((goal) => goal.index),
      Array.from({ length: 20 }, (_, i) => i),
    );
  });

  it("filters and limits without renumbering; goal 0 cannot be drawn in WebShop's way", () => {
    const goals = shuffleGoals(drafts(30));
    assert.deepEqual(
      filterGoals(goals, (i) => i % 10 === 3).map((goal) => goal.index),
      [3, 13, 23],
    );
    const limited = limitGoals(goals, 29, new PythonRandom(3));
    assert.deepEqual(
      limited.map((goal) => goal.index).sort((a, b) => a - b),
      goals.slice(1).map((goal) => goal.index),
    );
    assert.equal(limitGoals(goals, 10, new PythonRandom(3)).length, 10);
    assert.equal(limitGoals(goals, -1, new PythonRandom(3)), goals);
    assert.equal(limitGoals(goals, 30, new PythonRandom(3)), goals);
    assert.throws(
      () =>
        limitGoals(
          [{ ...goals[0]!, weight: 0 }, ...goals.slice(1, 3).map((g) => ({ ...g, weight: 0 }))],
          2,
          new PythonRandom(1),
        ),
      RangeError,
    );
  });

  it("draws by weight, one off as WebShop does, or as the weights say", () => {
    const sums = cumulativeWeights([{ weight: 1 }, { weight: 2 }, { weight: 1 }]);
    assert.deepEqual(sums, [0, 1, 3, 4]);
    const tally = (offByOne: boolean): number[] => {
      const random = new PythonRandom(9);
      const counts = [0, 0, 0];
      for (let i = 0; i < 4000; i++) counts[drawGoal(sums, random, offByOne)]!++;
      return counts.map((count) => Math.round(count / 200) / 5);
    };
    assert.deepEqual(tally(true), [0, 1, 3]);
    assert.deepEqual(tally(false), [1, 2, 1]);
    assert.throws(() => drawGoal([0], new PythonRandom(0)), RangeError);
  });
});

describe("simulator: the split", () => {
  it("is WebShop's from 3,000 goals on", () => {
    assert.deepEqual(splitRanges(12087), {
      test: { start: 0, end: 500 },
      dev: { start: 500, end: 1500 },
      train: { start: 1500, end: 12087 },
    });
    assert.deepEqual(
      [0, 499, 500, 1499, 1500, 12086].map((i) => splitOf(i, 12087)),
      ["test", "test", "dev", "dev", "train", "train"],
    );
  });

  it("covers every goal once at every size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20000 }), (count) => {
        const { test, dev, train } = splitRanges(count);
        assert.equal(test.start, 0);
        assert.equal(test.end, dev.start);
        assert.equal(dev.end, train.start);
        assert.equal(train.end, count);
        assert(test.end >= Math.min(count, 1) && dev.end >= dev.start && train.end >= train.start);
      }),
    );
  });

  it("is refused when any goal moved or changed", () => {
    const goals = shuffleGoals(drafts(40));
    const hash = splitHash(goals);
    checkSplit(goals, hash);
    const renumber = (list: readonly Goal[]): Goal[] => list.map((goal, index) => ({ ...goal, index }));
    const swapped = renumber([goals[1]!, goals[0]!, ...goals.slice(2)]);
    assert.throws(() => checkSplit(swapped, hash), /not those that were split/);
    assert.throws(() => checkSplit(goals.slice(0, -1), hash), /not those that were split/);
    assert.throws(() => checkSplit([{ ...goals[0]!, priceUpper: 1 }, ...goals.slice(1)], hash), /split/);
    assert.throws(() => splitHash([goals[1]!, goals[0]!]), /out of order/);
  });
});
