import assert from "node:assert/strict";
import { agentNamed, bestCovered, choiceAmong, keywords, resultsOn } from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { openEnvironment, type Product } from "../../lib/simulator/index.js";
import { tinyGoal, TinyCatalogue, tinyProduct } from "../simulator/tiny.js";

const shoe = (n: number, title: string, price: number, more: Partial<Product> = {}): Product =>
  tinyProduct({ asin: `B00000000${n}`, title, pricing: [price], attributes: [], ...more });

/** What the list hides of the second: its description; of the third: its first bullet. */
const shelf = [
  shoe(1, "Blue Canvas Shoes", 90),
  shoe(2, "Canvas Shoes", 30, { description: "Blue, with a rubber sole and a memory foam insole." }),
  shoe(3, "Canvas Shoes", 40, { bulletPoints: ["Blue rubber sole", "Light"] }),
  shoe(4, "Blue Canvas Shoes", 50, { options: [{ name: "size", values: ["7", "8"] }] }),
];
const instruction =
  "I want blue canvas shoes with rubber sole and memory foam insole in size 8, and price lower than 60.00 dollars";
const environment = openEnvironment(new TinyCatalogue(shelf, [tinyGoal(shelf[1]!, { instruction })]));

/** What an agent does on the one goal. */
async function actionsOf(name: string): Promise<string[]> {
  const agent = await agentNamed(name);
  const { steps } = await agent.play(environment, 0, stream(0, name));
  assert.ok(
    steps.every(({ valid }) => valid),
    `${name} clicks only what is there`,
  );
  return steps.map(({ action }) => action);
}

/** What can be opened after a search, in the order of the results. */
function listOf(search: string): string[] {
  const { state } = environment.step(environment.reset({ goal: 0 }), search);
  return resultsOn(environment, state).map(({ asin }) => `click[${asin.toLowerCase()}]`);
}

describe("heuristics of two decisions", () => {
  const whole = `search[${instruction}]`;
  const own = "search[blue canvas shoes rubber sole memory foam insole 8]";

  it("change one thing in the one before: query, affordable, words of titles, words of metadata", async () => {
    const bought = async (name: string): Promise<[string, string]> => {
      const [query, open] = await actionsOf(name);
      return [query!, open!];
    };
    const noPrice = whole.replace(", and price lower than 60.00 dollars", "");
    assert.deepEqual(await bought("rule-options"), [whole, listOf(whole)[0]]);
    assert.deepEqual(await bought("no-price"), [noPrice, listOf(noPrice)[0]]);
    assert.deepEqual(await bought("own-words"), [own, listOf(own)[0]]);
    const dear = "click[b000000001]";
    assert.deepEqual(await bought("affordable"), [own, listOf(own).find((click) => click !== dear)]);
    assert.deepEqual(await bought("list-reader"), [own, "click[b000000004]"]);
    assert.deepEqual(await bought("metadata-reader"), [own, "click[b000000003]"]);
  });

  it("choose the options that the instruction names", async () => {
    assert.deepEqual((await actionsOf("list-reader")).slice(1), [
      "click[b000000004]",
      "click[8]",
      "click[buy now]",
    ]);
  });

  it("open every page before the purchase: the page reader", async () => {
    const actions = await actionsOf("page-reader");
    assert.equal(actions.length, 1 + 6 * shelf.length + 2);
    const read = ["click[description]", "click[< prev]", "click[features]", "click[< prev]", "click[< prev]"];
    const opened = listOf(own).flatMap((click) => [click, ...read]);
    assert.deepEqual(actions.slice(0, -2), [own, ...opened]);
    assert.deepEqual(actions.slice(-2), ["click[b000000002]", "click[buy now]"]);
  });

  it("keep the earlier of equals, count what costs too much a quarter, and stay at the first where nothing fits", () => {
    const titled =
      (title: string): ((product: Product) => string) =>
      () =>
        title;
    assert.equal(bestCovered(shelf, instruction, titled("blue shoes")), 1, "the first costs too much");
    assert.equal(bestCovered(shelf, instruction.replace("60.00", "95.00"), titled("blue shoes")), 0);
    assert.equal(bestCovered(shelf, instruction, titled("nothing")), 0);
    assert.equal(choiceAmong(shelf, instruction.replace("60.00", "10.00"), "affordable"), 0);
    assert.equal(choiceAmong([], instruction, "metadata"), 0);
  });

  it("buy nothing where nothing is found", async () => {
    const empty = openEnvironment(new TinyCatalogue([], [tinyGoal(shelf[1]!, { instruction })]));
    for (const name of ["affordable", "page-reader"]) {
      const { steps, reward } = await (await agentNamed(name)).play(empty, 0, stream(0, name));
      assert.deepEqual([steps.length, reward], [1, 0]);
    }
  });

  it("search for the words that say something, each once, without the price", () => {
    assert.deepEqual(keywords("I need a size 8.5 men's shoe, a shoe, and price lower than 9.00 dollars"), [
      "8.5",
      "mens",
      "shoe",
    ]);
  });
});
