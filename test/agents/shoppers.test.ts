import assert from "node:assert/strict";
import fc from "fast-check";
import {
  agentNamed,
  agentNames,
  bestOptions,
  findBest,
  MatchAgent,
  OracleAgent,
  priceBound,
  RandomAgent,
  registerAgent,
  RuleAgent,
  searchAction,
  withoutPrice,
} from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { openEnvironment, type Product, rewardOf } from "../../lib/simulator/index.js";
import { tinyGoal, TinyCatalogue, tinyProduct } from "../simulator/tiny.js";

const shoe = (n: number, fields: Partial<Product> = {}): Product =>
  tinyProduct({ asin: `B00000000${n}`, title: `Canvas Shoes ${n}`, attributes: [], ...fields });

/** Twelve shoes that all match; the wanted one stands on the second page. */
const wanted = shoe(9, {
  asin: "B0000000ZZ",
  attributes: ["rubber sole"],
  options: [
    { name: "color", values: ["red", "blue"] },
    { name: "size", values: ["7", "8"] },
  ],
});
const products = [...Array.from({ length: 10 }, (_, i) => shoe(i)), wanted];
const goal = tinyGoal(wanted, {
  instruction: "canvas shoes, price lower than 50.00 dollars",
  options: ["blue", "8"],
});
const environment = openEnvironment(new TinyCatalogue(products, [goal]));

describe("the agents that need no model", () => {
  it("rule: searches the whole instruction, opens the first result, buys without options", () => {
    const { steps, parts } = new RuleAgent().play(environment, 0);
    assert.deepEqual(
      steps.map(({ action }) => action),
      [searchAction(goal.instruction), "click[b000000000]", "click[buy now]"],
    );
    assert.ok(steps.every(({ valid }) => valid));
    assert.equal(parts!.rOption, 0);
  });

  it("rule: ends with nothing where nothing is found", () => {
    const empty = openEnvironment(new TinyCatalogue([], [goal]));
    const { steps, reward, parts } = new RuleAgent().play(empty, 0);
    assert.equal(steps.length, 1);
    assert.deepEqual([reward, parts], [0, null]);
  });

  it("oracle: pages to the best product, chooses its options and buys, all by real steps", () => {
    const { steps, reward } = new OracleAgent().play(environment, 0);
    assert.deepEqual(steps.map(({ action }) => action).slice(1), [
      "click[next >]",
      "click[b0000000zz]",
      "click[blue]",
      "click[8]",
      "click[buy now]",
    ]);
    assert.equal(reward, 1);
    assert.equal(new OracleAgent(1).play(environment, 0).steps.length, 3);
  });

  it("oracle: no purchase that the results allow beats it, with any combination of options", () => {
    const value = fc.constantFrom("red", "dark red", "blue", "large", "x-large", "7", "7 wide", "8", "red 7");
    const group = (name: string) =>
      fc.record({ name: fc.constant(name), values: fc.uniqueArray(value, { minLength: 1, maxLength: 4 }) });
    const anyProduct = fc.record({
      options: fc.oneof(
        fc.constant([]),
        fc.tuple(group("a")),
        fc.tuple(group("a"), group("b")),
        fc.tuple(group("a"), group("b"), group("c")),
      ),
      attributes: fc.subarray(["rubber sole", "memory foam", "lace closure"]),
      pricing: fc.constantFrom([20], [80]),
    });
    fc.assert(
      fc.property(
        fc.array(anyProduct, { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(value, { maxLength: 3 }),
        (shelf, options) => {
          const all = shelf.map((fields, i) => shoe(i, fields));
          const asked = tinyGoal(all[0]!, { attributes: ["rubber sole", "lace closure"], options });
          const shop = openEnvironment(new TinyCatalogue(all, [asked]));
          const { reward } = new OracleAgent().play(shop, 0);
          let best = 0;
          for (const product of all) {
            for (const chosen of combinations(product)) {
              const total = rewardOf({ product, price: product.pricing[0]!, options: chosen }, asked).total;
              best = Math.max(best, total);
            }
          }
          assert.ok(Math.abs(reward - best) < 1e-12, `${reward} is not ${best}`);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("oracle: looks on a copy, and clicks what was asked for where another value would do as well", () => {
    const state = environment.reset({ goal: 0 });
    assert.equal(findBest(environment, state, searchAction(goal.instruction), goal)!.reward, 1);
    assert.equal(state.page, "search");
    const sizes = shoe(1, { options: [{ name: "size", values: ["x-large", "large", "xx-large"] }] });
    const asked = tinyGoal(sizes, { options: ["large"] });
    assert.deepEqual(
      bestOptions(sizes, asked, (value) => value.includes("large")),
      ["large"],
    );
  });

  it("random: stays within its steps, repeats with its stream, and only does what is admissible", () => {
    const agent = new RandomAgent(20);
    for (let i = 0; i < 30; i++) {
      const one = agent.play(environment, 0, stream(1, i));
      assert.deepEqual(one, agent.play(environment, 0, stream(1, i)));
      assert.ok(one.steps.length <= 20 && one.steps.every(({ valid }) => valid));
      assert.ok(one.parts !== null || (one.steps.length === 20 && one.reward === 0));
    }
    const lengths = new Set(
      Array.from({ length: 30 }, (_, i) => agent.play(environment, 0, stream(2, i)).steps.length),
    );
    assert.ok(lengths.size > 3);
  });

  it("match: opens the title that shares most words, and clicks the options that are named", () => {
    const shelf = [shoe(1), shoe(2, { title: "Rubber Sole Canvas Shoes", options: wanted.options }), shoe(3)];
    const asked = tinyGoal(shelf[1]!, {
      instruction: "blue canvas shoes with rubber sole in size 8, and price lower than 50.00 dollars",
    });
    const { steps } = new MatchAgent().play(openEnvironment(new TinyCatalogue(shelf, [asked])), 0);
    assert.deepEqual(
      steps.map(({ action }) => action),
      [
        "search[blue canvas shoes with rubber sole in size 8]",
        "click[b000000002]",
        "click[blue]",
        "click[8]",
        "click[buy now]",
      ],
    );
  });

  it("reads the price clause of an instruction", () => {
    assert.equal(priceBound(goal.instruction), 50);
    assert.equal(priceBound("shoes, and price lower than 1,020.00 dollars"), 1020);
    assert.equal(priceBound("shoes"), Infinity);
    assert.equal(withoutPrice("red shoes, and price lower than 50.00 dollars"), "red shoes");
  });

  it("searches for texts with brackets and line breaks, which would end an action early", () => {
    assert.equal(searchAction("shoes [red]\nlarge"), "search[shoes  red large]");
  });

  it("finds agents by name and names those there are", async () => {
    assert.equal((await agentNamed("rule")).name, "rule");
    await assert.rejects(agentNamed("nobody"), /no agent "nobody"; there are rule, random/);
    registerAgent("lazy", () => new RandomAgent(1));
    assert.ok(agentNames().includes("lazy"));
    assert.deepEqual((await agentNamed("lazy")).settings, { maxSteps: 1 });
  });
});

/** Every choice of at most one value per group that clicks can make: a value in two groups clicks the later one. */
function combinations({ options }: Product): Record<string, string>[] {
  return options.reduce<Record<string, string>[]>(
    (list, { name, values }, i) => {
      const later = options.slice(i + 1).flatMap((group) => group.values);
      const own = values.filter((value) => !later.includes(value));
      return list.flatMap((chosen) => [chosen, ...own.map((value) => ({ ...chosen, [name]: value }))]);
    },
    [{}],
  );
}
